import { access } from "node:fs/promises";
import { join } from "node:path";
import { RunError } from "#src/core/failures/errors.ts";
import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
import { RESULT_FILES } from "#src/producer/output/result-writer.ts";
import { requireLittleEndian } from "#src/producer/storage/disk.ts";
import { WORK_FOLDER } from "#src/producer/storage/work-folder.ts";
import { openJsonlResult } from "./read-jsonl-result.ts";
import { openNpyResult } from "./read-npy-result.ts";
import { openParquetResult } from "./read-parquet-result.ts";
import type { Result } from "./result.ts";

/** Opens the records of a finished run. Rejects with a RunError for a folder without them. */
export async function openResult(dir: string): Promise<Result> {
  requireLittleEndian();
  const path = (name: string) => join(dir, name);
  if (await exists(path(RESULT_FILES.parquet))) return openParquetResult(path(RESULT_FILES.parquet));
  if (await exists(path(RESULT_FILES.jsonl))) return openJsonlResult(path(RESULT_FILES.jsonl));
  if (await exists(path(RESULT_FILES.npy))) {
    return openNpyResult({ vectorPath: path(RESULT_FILES.npy), itemPath: path(RESULT_FILES.npyItems) });
  }
  if (await exists(path(WORK_FOLDER))) {
    throw new RunError(
      `the run in ${dir} is not finished`,
      `Run "${SUGGESTED_COMMANDS.resume(dir)}": it resumes where it stopped.`,
    );
  }
  if (await exists(path(RESULT_FILES.batch))) {
    throw new RunError(
      `the run in ${dir} answered requests from a file: it has ${RESULT_FILES.batch} and no records to search`,
      "Pass the output folder of an embedding run.",
    );
  }
  throw new RunError(
    `${dir} contains no finished run: no records.parquet, records.jsonl or vectors.npy found`,
    "Pass the folder that was the --out of the run.",
  );
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
