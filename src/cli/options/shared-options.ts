import {
  argument,
  flag,
  inGroup,
  negatedFlag,
  optionalArgument,
  optionalValue,
  value,
  valueOr,
  variadicArgument,
} from "./command-definition.ts";
import {
  parseByteSize,
  parseDelimiter,
  parseNonNegativeNumber,
  parsePositiveInteger,
  parseQuote,
  parseRunName,
  parseRunNote,
  parseWait,
  parseWorkerCount,
} from "./parse-option.ts";

/** Headings of the options in the help of a command. */
export const OPTION_GROUPS = {
  input: "Input:",
  model: "Model:",
  chunking: "Chunking:",
  output: "Output:",
  execution: "Execution:",
  cache: "Cache:",
  access: "Access:",
  limits: "Limits:",
  network: "Network:",
  power: "Statistical power:",
} as const;

const RUN_DESCRIPTION = "id or name of a run, or its output folder";
export const RUN_ARGUMENT = argument("run", RUN_DESCRIPTION);
export const RUN_ARGUMENTS = variadicArgument("run", RUN_DESCRIPTION);
export const OPTIONAL_RUN_ARGUMENT = optionalArgument("run", RUN_DESCRIPTION);

export const JSON_OUTPUT = inGroup(OPTION_GROUPS.output, { json: flag("print JSON") });
export const JSON_EVENTS = inGroup(OPTION_GROUPS.output, { json: flag("print one JSON object per event on stdout") });

/** Options of every command that reads documents from files of records. */
export const RECORD_OPTIONS = {
  idField: valueOr("id", "field", "field of an input record (JSON, JSONL, CSV, TSV, or Parquet) that holds its id"),
  textField: valueOr("text", "field", "field that holds the text"),
};
export const CSV_OPTIONS = {
  delimiter: value(
    "char",
    "delimiter of CSV and TSV files: one character, or tab (default: a comma, or a tab for .tsv)",
    parseDelimiter,
  ),
  quote: value(
    "char",
    "quote of CSV and TSV files: one character, or none if quotes are ordinary text (default: a double quote)",
    parseQuote,
  ),
};

/** Options of every command that coordinates a run. */
export const COORDINATOR_OPTIONS = {
  ...inGroup(OPTION_GROUPS.execution, {
    window: value(
      "n",
      "maximum number of items of the run in Redis at once (default: 5000 for embed, 2000 for batch and eval, 500 for rerank, or more if the limits allow larger bursts)",
      parsePositiveInteger,
    ),
    workers: value(
      "n",
      "worker processes to start (default: one per core); 0 leaves the work to workers that run elsewhere",
      parseWorkerCount,
    ),
    maxCost: value(
      "amount",
      "stop before the whole run costs more than this, in the currency of the model's price",
      parseNonNegativeNumber,
    ),
    maxWait: value(
      "duration",
      "stop if a provider asks for a longer wait, such as 10m, instead of waiting; the same command resumes the run",
      parseWait,
    ),
  }),
  ...inGroup(OPTION_GROUPS.output, {
    keepDb: flag("keep run.db in the output folder even if no item failed, for the command items, sqlite3, or DuckDB"),
  }),
};

/** Name and note of a run. */
export const LABEL_OPTIONS = inGroup(OPTION_GROUPS.execution, {
  name: value("name", "name of the run, which commands accept in place of its id", parseRunName),
  note: value("text", "note that lists show with the run", parseRunNote),
});

/** Options of every command that plans a run and brings it to its end. */
export const RUN_OPTIONS = {
  ...inGroup(OPTION_GROUPS.input, {
    limit: value("n", "process only the first n items", parsePositiveInteger),
    skipInvalid: flag("skip invalid input instead of refusing to start"),
  }),
  ...LABEL_OPTIONS,
  ...COORDINATOR_OPTIONS,
  ...inGroup(OPTION_GROUPS.execution, {
    canaries: negatedFlag("do not add known texts (canaries) that detect wrong vectors"),
    dryRun: flag("plan the run and print its size, time, and cost; send nothing"),
    offPeak: flag("make calls only while the price is the lowest, and wait until then"),
    force: flag("delete what another run left in the output folder"),
  }),
  ...inGroup(OPTION_GROUPS.cache, {
    cache: optionalValue(
      "dir",
      "reuse earlier answers from this folder (default: .sluice/cache) and add new ones to it",
    ),
    cacheSize: value("size", "maximum size of the cache, such as 500MB (default: 2GB)", parseByteSize),
  }),
  ...JSON_EVENTS,
};
