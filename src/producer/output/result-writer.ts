import type { RecordBlock } from "./record-blocks.ts";

/** Writes one form of the output. Every method rejects with the system's error. */
export interface ResultWriter {
  /** Blocks come in input order, without gaps. */
  write(block: RecordBlock): Promise<void>;
  /** Resolves when all files of this form are complete and durable under their temporary names. */
  finish(): Promise<void>;
  /** Closes what is open; also after a failure. */
  close(): Promise<void>;
}

export type ResultFormat = "parquet" | "jsonl" | "npy";

/** The names a finished run's records have in its output folder. */
export const RESULT_FILES = {
  parquet: "records.parquet",
  jsonl: "records.jsonl",
  npy: "vectors.npy",
  npyItems: "items.jsonl",
  batch: "output.jsonl",
  errors: "errors.jsonl",
  calls: "calls.bin",
} as const;

/** How a record's status is spelled in every form of the output. */
export function formatStatus(status: number): "ok" | "failed" {
  return status === 1 ? "ok" : "failed";
}
