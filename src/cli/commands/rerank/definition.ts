import { argument, defineCommand, inGroup, requiredValue, value } from "#src/cli/options/command-definition.ts";
import { parsePositiveInteger } from "#src/cli/options/parse-option.ts";
import { CSV_OPTIONS, OPTION_GROUPS, RECORD_OPTIONS, RUN_OPTIONS } from "#src/cli/options/shared-options.ts";

const { canaries: _, ...options } = RUN_OPTIONS;

export const rerankCommand = defineCommand({
  name: "rerank",
  group: "Run jobs",
  summary: "Rank documents by their relevance to queries",
  description:
    "Sends every query with its documents to a rerank model and writes the ranked documents, one line per query. Running the same command again resumes the run.",
  arguments: [
    argument(
      "queries.jsonl",
      "one query per line: id, query, and documents unless --documents is given; - reads stdin",
    ),
  ],
  options: {
    ...inGroup(OPTION_GROUPS.model, {
      model: requiredValue("provider/model", "rerank model, such as cohere/rerank-v3.5"),
    }),
    ...inGroup(OPTION_GROUPS.input, {
      documents: value("path", "file, folder or glob whose documents and records are ranked for every query"),
      ...RECORD_OPTIONS,
      ...CSV_OPTIONS,
    }),
    ...inGroup(OPTION_GROUPS.output, {
      out: requiredValue("dir", "output folder; one run per folder"),
      top: value("n", "write only the n best documents of each query", parsePositiveInteger),
    }),
    ...options,
  },
  examples: [
    "sluice rerank queries.jsonl --model cohere/rerank-v3.5 --out ./ranked",
    "sluice rerank queries.jsonl --documents ./docs --model jina/jina-reranker-v3 --out ./ranked --top 10",
  ],
});
