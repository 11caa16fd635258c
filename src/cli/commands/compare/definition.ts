import { defineCommand, inGroup, value, values, variadicArgument } from "#src/cli/options/command-definition.ts";
import { COMPARISON_OPTIONS } from "#src/cli/options/comparison-options.ts";
import { JSON_OUTPUT, OPTION_GROUPS } from "#src/cli/options/shared-options.ts";

export const compareCommand = defineCommand({
  name: "compare",
  group: "Run jobs",
  summary: "Compare the scores of evaluations, row by row",
  description:
    "Compares evaluations with the first one, the baseline: models with the same label, row by row, on the rows that both have a score for. Makes no call. Exits with code 1 if a gate fails.",
  arguments: [variadicArgument("dir", "output folders of evaluations, the baseline first")],
  options: {
    ...inGroup(OPTION_GROUPS.input, COMPARISON_OPTIONS),
    ...inGroup(OPTION_GROUPS.output, {
      gate: values("condition", "conditions such as 'accuracy >= baseline - 0.01', where accuracy is a scorer"),
      junit: value("file", "write the results of the gates as JUnit XML"),
      markdown: value("file", "write a summary as Markdown"),
    }),
    ...JSON_OUTPUT,
  },
  examples: [
    "sluice compare ./before ./after",
    "sluice compare ./before ./after --gate 'accuracy >= baseline - 0.01' --markdown summary.md",
    "sluice compare ./results ./results --model zhipu/glm-4-plus --baseline-model zhipu/glm-4-flash",
  ],
});
