import { defineCommand } from "#src/cli/options/command-definition.ts";
import { ITEM_FILTER_OPTIONS } from "#src/cli/options/item-filter-options.ts";
import { COORDINATOR_OPTIONS, JSON_EVENTS, RUN_ARGUMENT } from "#src/cli/options/shared-options.ts";

export const retryCommand = defineCommand({
  name: "retry",
  group: "Watch and control runs",
  summary: "Retry a run's failed items",
  description:
    "Removes the error records of a finished or stopped run, calls the provider again for these items only, and rewrites the output. With a filter, only matching failed items are retried; --empty retries chat answers without text instead.",
  arguments: [RUN_ARGUMENT],
  options: { ...ITEM_FILTER_OPTIONS, ...COORDINATOR_OPTIONS, ...JSON_EVENTS },
  examples: [
    "sluice retry ./vectors",
    "sluice retry ./vectors --kind server,timeout",
    'sluice retry ./vectors --text "annual report" --attempts 3..',
  ],
});
