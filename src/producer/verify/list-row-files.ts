import { join } from "node:path";
import type { RowDigest } from "#src/producer/output/digests/row-digest.ts";
import { RESULT_FILES } from "#src/producer/output/result-writer.ts";
import { isBatch, type RunManifest } from "#src/producer/runs/run-manifest.ts";
import type { FoundRows } from "./found-row.ts";
import { createRecordParser, parseBatchLine, parseFailureLine, parseItemLine, readLineRows } from "./read-line-rows.ts";
import { readParquetRows } from "./read-parquet-rows.ts";
import { readVectorRows } from "./read-vector-rows.ts";
import type { CheckedFile } from "./row-checker.ts";

/** A file of an output that has rows. */
export interface RowFile extends CheckedFile {
  /** Yields the rows in the order of the file. Rejects if the file cannot be read. */
  readonly read: () => AsyncIterable<FoundRows>;
}

const all = () => true;
const succeeded = ({ isOk }: RowDigest) => isOk;
const failed = ({ isOk }: RowDigest) => !isOk;

/** The files with the rows of a finished run, in the order in which they are checked. */
export function listRowFiles(dir: string, manifest: RunManifest): RowFile[] {
  const path = (name: string) => join(dir, name);
  const file = (name: string, has: RowFile["has"], resultName: RowFile["resultName"], read: RowFile["read"]) => ({
    name,
    has,
    resultName,
    read,
  });
  const { npy, npyItems, parquet, jsonl, batch, errors } = RESULT_FILES;
  if (isBatch(manifest)) {
    return [
      file(batch, succeeded, "answer", () => readLineRows(path(batch), parseBatchLine)),
      file(errors, failed, "error", () => readLineRows(path(errors), parseBatchLine)),
    ];
  }
  const failures = file(errors, failed, "error", () => readLineRows(path(errors), parseFailureLine));
  const { dimensions = 0, output } = manifest;
  if (output.format === "parquet") {
    return [file(parquet, all, "vector", () => readParquetRows(path(parquet), dimensions)), failures];
  }
  if (output.format === "jsonl") {
    return [file(jsonl, all, "vector", () => readLineRows(path(jsonl), createRecordParser())), failures];
  }
  return [
    file(npyItems, all, "vector", () => readLineRows(path(npyItems), parseItemLine)),
    file(npy, all, "vector", () => readVectorRows(path(npy))),
    failures,
  ];
}
