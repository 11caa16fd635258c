import { defineCommand } from "#src/cli/options/command-definition.ts";
import { JSON_OUTPUT, OPTIONAL_RUN_ARGUMENT } from "#src/cli/options/shared-options.ts";

export const runsCommand = defineCommand({
  name: "runs",
  group: "Watch and control runs",
  summary: "List the runs in this Redis, or show one",
  description: "Lists the runs in this Redis, or shows the report of one run.",
  arguments: [OPTIONAL_RUN_ARGUMENT],
  options: JSON_OUTPUT,
  examples: ["sluice runs", "sluice runs ./vectors", "sluice runs ./vectors --json"],
});
