import { defineCommand, flag, value } from "#src/cli/options/command-definition.ts";
import { parsePositiveInteger } from "#src/cli/options/parse-option.ts";
import { JSON_OUTPUT, OPTIONAL_RUN_ARGUMENT } from "#src/cli/options/shared-options.ts";

export const DEFAULT_LISTED_RUNS = 100;

export const runsCommand = defineCommand({
  name: "runs",
  group: "Watch and control runs",
  summary: "List the runs in this Redis, or show one",
  description: "Lists the runs in this Redis, or shows the report of one run.",
  arguments: [OPTIONAL_RUN_ARGUMENT],
  options: {
    ...JSON_OUTPUT,
    limit: value("n", `list only the newest n runs (default: ${DEFAULT_LISTED_RUNS})`, parsePositiveInteger),
    all: flag("list all runs"),
  },
  examples: ["sluice runs", "sluice runs --all", "sluice runs ./vectors", "sluice runs ./vectors --json"],
});
