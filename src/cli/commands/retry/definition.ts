import { defineCommand } from "#src/cli/options/command-definition.ts";
import { ITEM_FILTER_OPTIONS } from "#src/cli/options/item-filter-options.ts";
import { COORDINATOR_OPTIONS, JSON_EVENTS, RUN_ARGUMENT } from "#src/cli/options/shared-options.ts";

const { empty: retryEmpty, ...FILTER_OPTIONS } = ITEM_FILTER_OPTIONS;

export const retryCommand = defineCommand({
  name: "retry",
  group: "Watch and control runs",
  summary: "Retry a run's failed items",
  description:
    "Removes the error records of a finished or stopped run, calls the provider again for these items only, and rewrites the output. With a filter, only matching failed items are retried. With --retry-empty, chat answers without text are retried instead of failed items. --duration and --lane match no failed items, because failures have no duration and no lane; use them with --retry-empty.",
  arguments: [RUN_ARGUMENT],
  // The other filters determine the status. The dashboard passes the status of its list.
  options: {
    ...FILTER_OPTIONS,
    status: { ...FILTER_OPTIONS.status, isHidden: true },
    retryEmpty: { ...retryEmpty, description: "retry chat answers without text instead of failed items" },
    ...COORDINATOR_OPTIONS,
    ...JSON_EVENTS,
  },
  examples: [
    "sluice retry ./vectors",
    "sluice retry ./vectors --kind server,timeout",
    "sluice retry ./answers --retry-empty",
    'sluice retry ./vectors --text "annual report" --attempts 3..',
  ],
});
