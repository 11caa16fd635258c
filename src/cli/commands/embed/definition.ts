import {
  choiceOption,
  defineCommand,
  flag,
  inGroup,
  negatedFlag,
  requiredValue,
  value,
  variadicArgument,
} from "#src/cli/options/command-definition.ts";
import { parseFieldNames, parseNonNegativeInteger, parsePositiveInteger } from "#src/cli/options/parse-option.ts";
import { CSV_OPTIONS, OPTION_GROUPS, RECORD_OPTIONS, RUN_OPTIONS } from "#src/cli/options/shared-options.ts";
import { DEFAULT_CHUNK_OVERLAP, DEFAULT_CHUNK_TOKENS } from "#src/producer/input/chunking/chunk-limits.ts";

export const embedCommand = defineCommand({
  name: "embed",
  group: "Run jobs",
  summary: "Embed files, folders, or stdin",
  description:
    "Embeds documents and writes their vectors to an output folder. Running the same command again resumes the run.",
  arguments: [
    variadicArgument(
      "path",
      "files, folders, and globs of Markdown, text, HTML, JSON, JSONL, CSV, TSV, or Parquet; - reads JSONL from stdin",
    ),
  ],
  options: {
    ...inGroup(OPTION_GROUPS.model, {
      model: requiredValue("provider/model", "embedding model, such as minimax/embo-01"),
      type: choiceOption(
        "type",
        "db: documents to be searched; query: texts to search with; only some providers distinguish them",
        ["db", "query"],
      ),
      dimensions: value("n", "dimensions of the vectors, for models that support a choice", parsePositiveInteger),
    }),
    ...inGroup(OPTION_GROUPS.output, {
      out: requiredValue("dir", "output folder; one run per folder"),
      format: choiceOption("format", "format of the output", ["parquet", "jsonl", "npy"]),
      withText: flag("include the text and the metadata of each item in the output"),
    }),
    ...inGroup(OPTION_GROUPS.input, {
      ...RECORD_OPTIONS,
      metadataFields: value(
        "fields",
        "other fields that become metadata, separated by commas, or none (default: all); other columns of Parquet files are not read",
        parseFieldNames,
      ),
      ...CSV_OPTIONS,
    }),
    ...inGroup(OPTION_GROUPS.chunking, {
      chunkTokens: value(
        "n",
        `maximum estimated tokens per chunk (default: ${DEFAULT_CHUNK_TOKENS}, or half of the model's limit if that is less)`,
        parsePositiveInteger,
      ),
      chunkOverlap: value(
        "n",
        `tokens shared by neighboring chunks (default: ${DEFAULT_CHUNK_OVERLAP}, or half of a chunk if that is less)`,
        parseNonNegativeInteger,
      ),
      chunk: negatedFlag("make one item per document or input record, whatever its length"),
    }),
    ...RUN_OPTIONS,
  },
  examples: [
    "sluice embed ./docs --model minimax/embo-01 --out ./vectors",
    "sluice embed ./docs --model openai/text-embedding-3-large --dimensions 256 --out ./vectors",
    "sluice embed 'docs/**/*.md' --model zhipu/embedding-3 --out ./vectors --dry-run",
    "cat records.jsonl | sluice embed - --model minimax/embo-01 --out ./vectors --format jsonl --max-cost 5",
  ],
});
