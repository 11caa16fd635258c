import { RunError } from "#src/core/failures/errors.ts";
import type { Item } from "#src/core/item.ts";
import { ItemReader } from "#src/producer/storage/item-reader.ts";
import type { StoredBlock } from "#src/producer/storage/stored-block.ts";
import type { VectorStore } from "#src/producer/storage/vector-store.ts";

/** Consecutive records of a run with their items. */
export interface RecordBlock extends StoredBlock {
  /** One per slot, in order. */
  readonly items: readonly Item[];
}

export interface RecordBlocksOptions {
  /** Items per block. */
  readonly size: number;
  /** Whether the vectors are read and verified. */
  readonly vectors: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Reads all records in input order, one block ahead of the consumer. The vectors of a block are valid until the block
 * after the next is requested. Rejects with a RunError for damaged vectors, whose items become missing again, and for
 * items that do not belong to the run.
 */
export async function* readRecordBlocks(
  store: VectorStore,
  items: AsyncIterable<readonly Item[]>,
  options: RecordBlocksOptions,
): AsyncGenerator<RecordBlock> {
  const source = new ItemReader(items);
  const blocks = readAhead(store, options);
  try {
    for await (const block of blocks) {
      options.signal?.throwIfAborted();
      if (block.damaged.length > 0) await rejectDamaged(store, block);
      yield { ...block, items: await source.take(block.start, block.slots.length) };
    }
    await source.expectEnd(store.items);
  } finally {
    await source.close();
  }
}

async function* readAhead(store: VectorStore, options: RecordBlocksOptions): AsyncGenerator<StoredBlock> {
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

async function rejectDamaged(store: VectorStore, block: StoredBlock): Promise<never> {
  await store.forget(block.damaged);
  const count = block.damaged.length;
  const where = `${store.folder} (item ${block.damaged[0]?.index}${count > 1 ? ` and ${count - 1} more` : ""})`;
  throw new RunError(
    `a vector on disk differs from what was written: ${where}`,
    "Check the disk, then run the same command again: only the damaged items are embedded again.",
  );
}
