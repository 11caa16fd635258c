import { defineCommand, inGroup, value } from "#src/cli/options/command-definition.ts";
import { COORDINATOR_OPTIONS, JSON_EVENTS, OPTION_GROUPS, RUN_ARGUMENT } from "#src/cli/options/shared-options.ts";

export const retryCommand = defineCommand({
  name: "retry",
  group: "Watch and control runs",
  summary: "Retry a run's failed items",
  description:
    "Removes the error records of a finished or stopped run, calls the provider again for these items only, and rewrites the output.",
  arguments: [RUN_ARGUMENT],
  options: {
    ...inGroup(OPTION_GROUPS.input, {
      kind: value("kinds", "only failures of these kinds, such as server,timeout"),
      cause: value("cause", "only failures of this cause, as shown on the dashboard"),
    }),
    ...COORDINATOR_OPTIONS,
    ...JSON_EVENTS,
  },
  examples: ["sluice retry ./vectors", "sluice retry ./vectors --kind server,timeout"],
});
