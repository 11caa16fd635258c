import { defineCommand, flag, inGroup, optionalArgument, value, values } from "#src/cli/options/command-definition.ts";
import { parsePositiveInteger, parseShare } from "#src/cli/options/parse-option.ts";
import { OPTION_GROUPS, RUN_OPTIONS } from "#src/cli/options/shared-options.ts";

const { canaries: _, keepDb: __, limit: ___, ...options } = RUN_OPTIONS;

export const evalCommand = defineCommand({
  name: "eval",
  group: "Run jobs",
  summary: "Ask models the questions of datasets, and score their answers",
  description:
    "Sends every row of the datasets to every model and prompt of a spec, scores the answers, and reports means with confidence intervals, also as report.html. Running the same command again resumes the run, and scores the answers again if they are complete.",
  arguments: [
    optionalArgument(
      "spec.yaml",
      "datasets, prompts, models, and scorers, or a configuration of promptfoo, OpenAI's hosted evals, or openai/evals; see docs/eval.md",
    ),
  ],
  options: {
    ...inGroup(OPTION_GROUPS.input, {
      limit: value("n", "use only n rows of each dataset", parsePositiveInteger),
      models: values(
        "label",
        "use only these models of the spec; for files of other tools, and with --init: use these models",
      ),
      samples: value("n", "answers per row, model, and prompt", parsePositiveInteger),
    }),
    ...inGroup(OPTION_GROUPS.output, {
      out: value("dir", "output folder; one run per folder (required, except with --init)"),
      init: value(
        "dataset",
        "write a spec for a file with questions and answers (default: to spec.yaml), and send nothing",
      ),
    }),
    ...options,
    ...inGroup(OPTION_GROUPS.execution, {
      force: flag("delete what another run left in the output folder; with --init: replace the spec"),
    }),
    ...inGroup(OPTION_GROUPS.power, {
      power: value("share", "with --dry-run: the wanted chance to find a difference (default: 0.8)", parseShare),
      detect: value(
        "difference",
        "with --dry-run: also say how many rows show this difference, such as 0.03",
        parseShare,
      ),
    }),
  },
  examples: [
    "sluice eval --init questions.jsonl",
    "sluice eval spec.yaml --out ./results",
    "sluice eval spec.yaml --out ./results --limit 20 --models zhipu/glm-4-plus",
    "sluice eval spec.yaml --out ./results --dry-run --detect 0.03",
  ],
});
