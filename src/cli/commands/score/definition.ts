import { argument, defineCommand, inGroup, value } from "#src/cli/options/command-definition.ts";
import { JSON_OUTPUT, OPTION_GROUPS } from "#src/cli/options/shared-options.ts";

export const scoreCommand = defineCommand({
  name: "score",
  group: "Run jobs",
  summary: "Score the stored answers of an evaluation again",
  description:
    "Scores the answers of a finished evaluation again, without any call: with the scorers of its spec, or with those of another one that asks the same questions. Reports which samples have another score than before.",
  arguments: [argument("dir", "output folder of the evaluation")],
  options: {
    ...inGroup(OPTION_GROUPS.input, {
      spec: value("file", "take scorers, reduction, baseline, and confidence from this spec"),
    }),
    ...JSON_OUTPUT,
  },
  examples: ["sluice score ./results", "sluice score ./results --spec spec.yaml"],
});
