import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { errorCode, RunError } from "#src/core/failures/errors.ts";
import { type Disk, toDiskError } from "#src/producer/storage/disk.ts";
import type { ItemRange, RecordCounts } from "#src/producer/storage/store-state.ts";
import { RESULT_FILES } from "./result-writer.ts";

/** Folder inside the work folder in which the files are written. */
const OUTPUT_FOLDER = "output";

export interface OutputFiles {
  /** The files other than `errors.jsonl`, in the order in which they are published. */
  readonly names: readonly string[];
  /** Writes them and `errors.jsonl` to a folder; they are complete and durable when it resolves. */
  readonly write: (output: string) => Promise<void>;
}

/** The part of a store that publishing needs. */
export interface CompleteStore {
  readonly folder: string;
  readonly disk: Disk;
  readonly items: number;
  counts(): RecordCounts;
  missing(): Iterable<ItemRange>;
}

/**
 * Writes the output of a run, which may be in progress, and renames the files into `dir`, the records last, so that the output is
 * complete when they appear. May be killed at any time and repeated. `errors.jsonl` exists only if an item failed.
 * Resolves with the file names. Rejects with a RunError when the run ends without all records or a disk operation fails, and with
 * the signal's reason on abort.
 */
export async function publishOutput(
  store: CompleteStore,
  dir: string,
  { names, write }: OutputFiles,
  signal?: AbortSignal,
): Promise<string[]> {
  const output = join(store.folder, OUTPUT_FOLDER);
  try {
    await rm(output, { recursive: true, force: true });
    await write(output);
    assertComplete(store);
    const all = store.counts().failed > 0 ? [RESULT_FILES.errors, ...names] : [...names];
    if (!all.includes(RESULT_FILES.errors)) await rm(join(dir, RESULT_FILES.errors), { force: true });
    await store.disk.syncFolder(output);
    for (const name of all) await rename(join(output, name), join(dir, name));
    await store.disk.syncFolder(dir);
    await rm(output, { recursive: true, force: true });
    return all;
  } catch (error) {
    if (error === signal?.reason || errorCode(error) === undefined) throw error;
    throw toDiskError(error, dir);
  }
}

function assertComplete(store: CompleteStore): void {
  const { missing } = store.counts();
  if (missing === 0) return;
  const [first] = store.missing();
  throw new RunError(`${missing} of ${store.items} items have no record yet; the first one is item ${first?.start}`);
}
