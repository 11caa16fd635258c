import { defineCommand, flag, inGroup, value, values } from "#src/cli/options/command-definition.ts";
import { parseWait } from "#src/cli/options/parse-option.ts";
import { JSON_OUTPUT, OPTION_GROUPS, RUN_ARGUMENTS } from "#src/cli/options/shared-options.ts";

const REMOVAL_OPTIONS = {
  ...inGroup(OPTION_GROUPS.output, { outputs: flag("delete the outputs too") }),
  ...inGroup(OPTION_GROUPS.execution, { yes: flag("do not ask") }),
  ...JSON_OUTPUT,
};

export const DEFAULT_MIN_AGE_MS = 30 * 24 * 3600_000;

export const rmCommand = defineCommand({
  name: "runs rm",
  group: "Watch and control runs",
  summary: "Remove runs and their work files",
  description:
    "Removes runs from Redis, and the work files in their output folders: run.db, run-search.db, and .work. Outputs are kept without --outputs. A removed run cannot be resumed or retried; the answers of an unfinished run are lost. A run that a process is using is not removed.",
  arguments: [RUN_ARGUMENTS],
  options: REMOVAL_OPTIONS,
  examples: ["sluice runs rm ./vectors", "sluice runs rm docs-v1 docs-v2 --outputs --yes"],
});

export const cleanCommand = defineCommand({
  name: "runs clean",
  group: "Watch and control runs",
  summary: "Remove old finished runs and leftovers",
  description:
    "Removes finished runs as runs rm does if they are older than --older-than, work folders that finished runs left behind, and expired entries of the list of runs. Compacts the files of the private Redis. Unfinished runs, and runs that a process is using, are kept.",
  arguments: [],
  options: {
    ...inGroup(OPTION_GROUPS.input, {
      olderThan: value(
        "duration",
        "remove runs that finished longer ago, such as 12h or 30d (default: 30d)",
        parseWait,
      ),
      in: values(
        "dir",
        "also search these folders, and the folders in them, for runs that Redis does not list any more",
      ),
    }),
    ...REMOVAL_OPTIONS,
  },
  examples: ["sluice runs clean", "sluice runs clean --older-than 7d --in ./results --yes"],
});
