import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { errorCode, RunError } from "#src/core/errors.ts";
import { type Disk, diskError } from "#src/producer/storage/disk.ts";
import type { ItemRange, RecordCounts } from "#src/producer/storage/store-state.ts";
import { RESULT_FILES } from "./result-writer.ts";

/**
 * Where in the work folder the files grow. A folder of its own, because the work folder already has an `items.jsonl`:
 * the list of items this reads from.
 */
const OUTPUT_FOLDER = "output";

export interface OutputFiles {
  /** The files beside `errors.jsonl`, in the order they appear. */
  readonly names: readonly string[];
  /** Writes them and `errors.jsonl` into a folder, whole and durable. */
  readonly write: (output: string) => Promise<void>;
}

/** What is asked of the store whose records are written. */
export interface CompleteStore {
  readonly folder: string;
  readonly disk: Disk;
  readonly items: number;
  sync(): Promise<void>;
  counts(): RecordCounts;
  missing(): Iterable<ItemRange>;
}

/**
 * Writes a complete run's output and gives the files their names in `dir`, the records last: whoever sees them sees
 * everything. It may be killed at any moment and done again. `errors.jsonl` is there only when an item failed.
 * Resolves with the names. Rejects with a RunError when a record is missing or the disk refuses, and with the signal's
 * reason when that aborts.
 */
export async function publishOutput(
  store: CompleteStore,
  dir: string,
  { names, write }: OutputFiles,
  signal?: AbortSignal,
): Promise<string[]> {
  await store.sync();
  requireComplete(store);
  const all = store.counts().failed > 0 ? [RESULT_FILES.errors, ...names] : [...names];
  const output = join(store.folder, OUTPUT_FOLDER);
  try {
    await rm(output, { recursive: true, force: true });
    await write(output);
    if (!all.includes(RESULT_FILES.errors)) await rm(join(dir, RESULT_FILES.errors), { force: true });
    await store.disk.syncFolder(output);
    for (const name of all) await rename(join(output, name), join(dir, name));
    await store.disk.syncFolder(dir);
    await rm(output, { recursive: true, force: true });
    return all;
  } catch (error) {
    if (error === signal?.reason || errorCode(error) === undefined) throw error;
    throw diskError(error, dir);
  }
}

function requireComplete(store: CompleteStore): void {
  const { missing } = store.counts();
  if (missing === 0) return;
  const [first] = store.missing();
  throw new RunError(`${missing} of ${store.items} items have no record yet, the first is item ${first?.start}`);
}
