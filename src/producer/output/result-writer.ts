import type { StoredBlock } from "#src/producer/storage/read-records.ts";

/** Writes the output in one format. Every method rejects with the system error. */
export interface ResultWriter {
  /** Must be called in input order, without gaps. */
  write(block: StoredBlock): Promise<void>;
  /** Resolves when all files of this format are complete and durable under their temporary names. */
  finish(): Promise<void>;
  /** Closes all files; also required after a failure. */
  close(): Promise<void>;
}

export type ResultFormat = "parquet" | "jsonl" | "npy";

/** File names of a finished run in its output folder. */
export const RESULT_FILES = {
  parquet: "records.parquet",
  jsonl: "records.jsonl",
  npy: "vectors.npy",
  npyItems: "items.jsonl",
  batch: "output.jsonl",
  errors: "errors.jsonl",
  digests: "digests.bin",
} as const;

/** Files that an evaluation adds when its answers are scored; they are written again by each scoring. */
export const EVALUATION_FILES = {
  samples: "samples.jsonl",
  results: "results.json",
  report: "report.html",
  spec: "spec.yaml",
} as const;

/** Folder inside that of an evaluation with the runs of calls that its scorers need. */
export const SCORER_CALLS_FOLDER = "scorer-calls";

/** Every file that can be in the output folder of a finished run, also one that a killed scoring left behind. */
export const OUTPUT_FILES: readonly string[] = [
  ...Object.values(RESULT_FILES),
  ...Object.values(EVALUATION_FILES).flatMap((name) => [name, `${name}.tmp`]),
  SCORER_CALLS_FOLDER,
];
