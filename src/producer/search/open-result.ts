import { access } from "node:fs/promises";
import { join } from "node:path";
import { RunError } from "#src/core/errors.ts";
import { RESULT_FILES } from "#src/producer/output/result-writer.ts";
import { requireLittleEndian } from "#src/producer/storage/disk.ts";
import { WORK_FOLDER } from "#src/producer/storage/open-files.ts";
import { openJsonlResult } from "./read-jsonl-result.ts";
import { openNpyResult } from "./read-npy-result.ts";
import { openParquetResult } from "./read-parquet-result.ts";
import type { Result } from "./result.ts";

/** Opens the records of a finished run; a folder without them rejects with a RunError that says why. */
export async function openResult(dir: string): Promise<Result> {
  requireLittleEndian();
  const path = (name: string) => join(dir, name);
  if (await exists(path(RESULT_FILES.parquet))) return openParquetResult(path(RESULT_FILES.parquet));
  if (await exists(path(RESULT_FILES.jsonl))) return openJsonlResult(path(RESULT_FILES.jsonl));
  if (await exists(path(RESULT_FILES.npy))) {
    return openNpyResult({ vectorPath: path(RESULT_FILES.npy), itemPath: path(RESULT_FILES.npyItems) });
  }
  if (await exists(path(WORK_FOLDER))) {
    throw new RunError(`the run in ${dir} is not finished`, "Run its command again: it goes on where it stopped.");
  }
  if (await exists(path(RESULT_FILES.batch))) {
    throw new RunError(
      `the run in ${dir} answered requests from a file: it has ${RESULT_FILES.batch} and no records to search`,
      "Name the folder of a run of sluice embed.",
    );
  }
  throw new RunError(
    `${dir} holds no finished run: none of records.parquet, records.jsonl and vectors.npy is there`,
    "Name the folder that was given as --out.",
  );
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
