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
 * Reads all records with their items in input order, one block ahead of the consumer. The vectors of a block are valid
 * until the block after the next is requested. Rejects with a RunError for damaged records, whose items become missing.
 */
export async function* readRecordBlocks(store: RunStore, options: RecordBlocksOptions): AsyncGenerator<StoredBlock> {
  for await (const block of readAhead(store, options)) {
    options.signal?.throwIfAborted();
    if (block.damaged.length > 0) throw store.forget(block.damaged);
    yield block;
  }
}

async function* readAhead(store: RunStore, options: RecordBlocksOptions): AsyncGenerator<StoredBlock> {
  const { size, vectors } = options;
  const bytes = Math.min(size, store.items) * store.dimensions * 4;
  const buffers = vectors ? [new Uint8Array(bytes), new Uint8Array(bytes)] : [];
  const read = (start: number, turn: number) => {
    const block = store.read(start, Math.min(size, store.items - start), buffers[turn % 2]);
    // It may fail while the previous block is in use; awaiting the block reports the error.
    block.catch(() => {});
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
