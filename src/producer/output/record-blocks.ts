import { setImmediate } from "node:timers/promises";
import type { StoredBlock } from "#src/producer/storage/read-records.ts";
import type { RunStore } from "#src/producer/storage/run-store.ts";

export interface RecordBlocksOptions {
  /** Items per block. */
  readonly size: number;
  /** Whether the vectors are read and verified. */
  readonly vectors: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Reads all records with their items in input order, one block ahead of the consumer, and waits for records that are not
 * durable yet. The vectors of a block are valid
 * until the block after the next is requested. Rejects with a RunError for damaged records, whose items become missing.
 */
export async function* readRecordBlocks(store: RunStore, options: RecordBlocksOptions): AsyncGenerator<StoredBlock> {
  for await (const block of readAhead(store, options)) {
    options.signal?.throwIfAborted();
    if (block.damaged.length > 0) throw store.forget(block.damaged);
    yield block;
    // Output may be written while the run is in progress, which must not wait for it.
    await setImmediate();
  }
}

async function* readAhead(store: RunStore, options: RecordBlocksOptions): AsyncGenerator<StoredBlock> {
  const { size, vectors, signal } = options;
  const buffers: Uint8Array[] = [];
  const read = (start: number, turn: number) => {
    const count = Math.min(size, store.items - start);
    const block = store.waitForRecords(start + count, signal).then(() => {
      const bytes = Math.min(size, store.items) * store.dimensions * 4;
      // The first vector determines the dimensions, and the records before it may be failures.
      if (buffers[turn % 2]?.length !== bytes) buffers[turn % 2] = new Uint8Array(bytes);
      return store.read(start, count, vectors ? buffers[turn % 2] : undefined);
    });
    // It may fail while the previous block is in use; awaiting the block reports the error.
    block.catch(() => undefined);
    return block;
  };
  let next = store.items > 0 ? read(0, 0) : undefined;
  try {
    for (let start = 0, turn = 1; next !== undefined; start += size, turn += 1) {
      const block = await next;
      next = start + size < store.items ? read(start + size, turn) : undefined;
      yield block;
    }
  } finally {
    await next?.catch(() => {});
  }
}
