import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "#src/core/failures/errors.ts";
import { type Disk, toDiskError } from "#src/producer/storage/disk.ts";
import type { RecordCounts } from "#src/producer/storage/store-state.ts";
import { type OutputDigests, OutputRecorder } from "./digests/output-recorder.ts";
import { RESULT_FILES } from "./result-writer.ts";

/** Folder inside the work folder in which the files are written. */
const OUTPUT_FOLDER = "output";

export interface OutputFiles {
  /** The files other than `errors.jsonl`, in the order in which they are published. */
  readonly names: readonly string[];
  /**
   * Writes them and `errors.jsonl` to a folder, through the recorder's disk, and adds the digests of their rows; they
   * are complete and durable when it resolves.
   */
  readonly write: (output: string, recorder: OutputRecorder) => Promise<void>;
}

export interface PublishedOutput {
  /** Names in the output folder. */
  readonly files: readonly string[];
  readonly digests: OutputDigests;
}

/** The part of a store that publishing needs. */
export interface CompleteStore {
  readonly folder: string;
  readonly disk: Disk;
  counts(): RecordCounts;
}

/**
 * Writes the output of a run, which may be in progress, and renames the files into `dir`, the records last, so that the output is
 * complete when they appear. May be killed at any time and repeated. `errors.jsonl` exists only if an item failed.
 * Rejects with a RunError when the run ends without all records or a disk operation fails, and with
 * the signal's reason on abort.
 */
export async function publishOutput(
  store: CompleteStore,
  dir: string,
  { names, write }: OutputFiles,
  signal?: AbortSignal,
): Promise<PublishedOutput> {
  const output = join(store.folder, OUTPUT_FOLDER);
  try {
    await rm(output, { recursive: true, force: true });
    const published = await record(store.disk, output, async (recorder) => {
      await write(output, recorder);
      const files = store.counts().failed > 0 ? [RESULT_FILES.errors, ...names] : [...names];
      return { files, digests: await recorder.finish([RESULT_FILES.digests, ...files]) };
    });
    const all = [RESULT_FILES.digests, ...published.files];
    if (!all.includes(RESULT_FILES.errors)) await rm(join(dir, RESULT_FILES.errors), { force: true });
    await store.disk.syncFolder(output);
    for (const name of all) await rename(join(output, name), join(dir, name));
    await store.disk.syncFolder(dir);
    await rm(output, { recursive: true, force: true });
    return published;
  } catch (error) {
    if (error === signal?.reason || errorCode(error) === undefined) throw error;
    throw toDiskError(error, dir);
  }
}

async function record<T>(disk: Disk, output: string, write: (recorder: OutputRecorder) => Promise<T>): Promise<T> {
  const recorder = await OutputRecorder.create(disk, output);
  try {
    return await write(recorder);
  } finally {
    await recorder.close();
  }
}
