import { argument, defineCommand, flag, inGroup, valueOr } from "#src/cli/options/command-definition.ts";
import { parsePositiveInteger } from "#src/cli/options/parse-option.ts";
import { OPTION_GROUPS } from "#src/cli/options/shared-options.ts";

export const searchCommand = defineCommand({
  name: "search",
  group: "Run jobs",
  summary: "Search the records of a finished embedding run",
  description:
    "Embeds a text with the model of a finished run and prints the nearest records. Each search makes one API call.",
  arguments: [
    argument("dir", "output folder of the run"),
    argument("text", "text to search for; - reads it from stdin"),
  ],
  options: inGroup(OPTION_GROUPS.output, {
    top: { ...valueOr(5, "n", "number of records to print", parsePositiveInteger), short: "k" },
    json: flag("print one JSON object per record"),
  }),
  examples: [
    'sluice search ./vectors "how do I set a timeout"',
    'sluice search ./vectors "how do I set a timeout" --top 20 --json',
  ],
});
