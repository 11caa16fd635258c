import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { errorCode, RunError } from "#src/core/failures/errors.ts";
import { type Disk, toDiskError } from "#src/producer/storage/disk.ts";
import type { ItemRange, RecordCounts } from "#src/producer/storage/store-state.ts";
import { type OutputDigests, OutputRecorder } from "./digests/output-recorder.ts";
import { RESULT_FILES } from "./result-writer.ts";

/**
 * Folder inside the work folder in which the files are written. The work folder itself already contains an
 * `items.jsonl`, the planned items.
 */
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
  readonly items: number;
  sync(): Promise<void>;
  counts(): RecordCounts;
  missing(): Iterable<ItemRange>;
}

/**
 * Writes the output of a complete run and renames the files into `dir`, the records last, so that the output is
 * complete when they appear. May be killed at any time and repeated. `errors.jsonl` exists only if an item failed.
 * Rejects with a RunError when a record is missing or a disk operation fails, and with
 * the signal's reason on abort.
 */
export async function publishOutput(
  store: CompleteStore,
  dir: string,
  { names, write }: OutputFiles,
  signal?: AbortSignal,
): Promise<PublishedOutput> {
  await store.sync();
  assertComplete(store);
  const files = store.counts().failed > 0 ? [RESULT_FILES.errors, ...names] : [...names];
  const all = [RESULT_FILES.digests, ...files];
  const output = join(store.folder, OUTPUT_FOLDER);
  try {
    await rm(output, { recursive: true, force: true });
    const digests = await record(store.disk, output, async (recorder) => {
      await write(output, recorder);
      return await recorder.finish(all);
    });
    if (!all.includes(RESULT_FILES.errors)) await rm(join(dir, RESULT_FILES.errors), { force: true });
    await store.disk.syncFolder(output);
    for (const name of all) await rename(join(output, name), join(dir, name));
    await store.disk.syncFolder(dir);
    await rm(output, { recursive: true, force: true });
    return { files, digests };
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

function assertComplete(store: CompleteStore): void {
  const { missing } = store.counts();
  if (missing === 0) return;
  const [first] = store.missing();
  throw new RunError(`${missing} of ${store.items} items have no record yet; the first one is item ${first?.start}`);
}
