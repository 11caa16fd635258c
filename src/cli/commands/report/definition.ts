import { choiceOption, defineCommand, inGroup, value, variadicArgument } from "#src/cli/options/command-definition.ts";
import { COMPARISON_OPTIONS } from "#src/cli/options/comparison-options.ts";
import { JSON_OUTPUT, OPTION_GROUPS } from "#src/cli/options/shared-options.ts";

export const reportCommand = defineCommand({
  name: "report",
  group: "Run jobs",
  summary: "Write a report of evaluations as one HTML file",
  description:
    "Writes the scores, costs, and answers of an evaluation to one HTML file, which any browser opens offline. If you name several evaluations, they are compared with the first one, the baseline. Makes no call. The commands eval and score write report.html by themselves.",
  arguments: [variadicArgument("dir", "output folders of evaluations, the baseline first")],
  options: {
    ...inGroup(OPTION_GROUPS.input, COMPARISON_OPTIONS),
    ...inGroup(OPTION_GROUPS.output, {
      out: value("file", "the file to write (default: report.html in the folder, or comparison.html for several)"),
      lang: choiceOption("language", "language that the report opens in; auto is that of the browser", [
        "auto",
        "en",
        "zh",
      ]),
    }),
    ...JSON_OUTPUT,
  },
  examples: ["sluice report ./results", "sluice report ./before ./after --out comparison.html --lang zh"],
});
