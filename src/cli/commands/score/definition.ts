import { argument, defineCommand, inGroup, value, valueOr } from "#src/cli/options/command-definition.ts";
import { parsePositiveInteger } from "#src/cli/options/parse-option.ts";
import { JSON_OUTPUT, OPTION_GROUPS } from "#src/cli/options/shared-options.ts";

export const scoreCommand = defineCommand({
  name: "score",
  group: "Run jobs",
  summary: "Score the stored answers of an evaluation again, or the rankings of a run",
  description:
    "Scores the answers of a finished evaluation again, without any call: with the scorers of its spec, or with those of another one that asks the same questions. Reports which samples have another score than before, and writes report.html again. With --qrels, it scores what an embedding or rerank run ranks first against relevance judgements: recall, MRR, and nDCG.",
  arguments: [argument("dir", "output folder of the evaluation, or of the embedding or rerank run")],
  options: {
    ...inGroup(OPTION_GROUPS.input, {
      spec: value("file", "take scorers, reduction, baseline, and confidence from this spec"),
      qrels: value("file", "relevance judgements of documents: JSONL, TSV as in BEIR, or qrels of TREC"),
      queries: value("dir", "with --qrels: output folder of an embedding run of the queries; rerank runs need none"),
      top: valueOr(10, "n", "with --qrels: number of documents of each ranking that count", parsePositiveInteger),
    }),
    ...JSON_OUTPUT,
  },
  examples: [
    "sluice score ./results",
    "sluice score ./results --spec spec.yaml",
    "sluice score ./vectors --qrels judgements.tsv --queries ./queries",
  ],
});
