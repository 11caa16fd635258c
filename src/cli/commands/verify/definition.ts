import { argument, defineCommand, flag, inGroup, values } from "#src/cli/options/command-definition.ts";
import { OPTION_GROUPS } from "#src/cli/options/shared-options.ts";

export const verifyCommand = defineCommand({
  name: "verify",
  group: "Watch and control runs",
  summary: "Check that the output of a run is complete and unchanged",
  description:
    "Compares every file and every row of a finished output with the digests that the run recorded. Works on the folder alone, without Redis. Exits with 0 if everything matches, with 1 if something differs, and with 2 if the folder cannot be verified.",
  arguments: [argument("dir", "output folder of the run")],
  options: {
    ...inGroup(OPTION_GROUPS.input, {
      source: values(
        "path",
        "also compare these sources with those that the run read, in the same order; write this option after <dir>",
      ),
    }),
    ...inGroup(OPTION_GROUPS.output, { json: flag("print the report as JSON") }),
  },
  examples: ["sluice verify ./vectors", "sluice verify ./vectors --source ./docs", "sluice verify ./vectors --json"],
});
