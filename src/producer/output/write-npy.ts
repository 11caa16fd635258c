import type { Disk } from "#src/producer/storage/disk.ts";
import { SLOT_OK } from "#src/producer/storage/ledger-file.ts";
import type { VectorStore } from "#src/producer/storage/vector-store.ts";
import { encodeNpyHeader, NPY_HEADER_BYTES } from "./npy-header.ts";
import type { ResultWriter } from "./result-writer.ts";
import { createItemsWriter } from "./write-jsonl.ts";

/**
 * Converts the store's vector file to a NumPy file in place, without copying or reading vectors: writes NaN for failed
 * items and the header into the reserved bytes. Repeating it changes nothing. Also writes `items.jsonl`.
 */
export async function createNpyWriter(
  disk: Disk,
  itemsPath: string,
  options: { readonly store: VectorStore; readonly withText: boolean },
): Promise<ResultWriter> {
  const { store, withText } = options;
  const slotSize = store.dimensions * 4;
  const itemsWriter = await createItemsWriter(disk, itemsPath, withText);
  await store.vectorFile.write([encodeNpyHeader(store.items, store.dimensions)], 0);
  const notANumber = new Uint8Array(new Float32Array(store.dimensions).fill(Number.NaN).buffer);
  return {
    async write(block) {
      for (const { index, status } of block.slots) {
        if (status === SLOT_OK) continue;
        await store.vectorFile.write([notANumber], NPY_HEADER_BYTES + index * slotSize);
      }
      await itemsWriter.write(block);
    },
    async finish() {
      await store.vectorFile.truncate(NPY_HEADER_BYTES + store.items * slotSize);
      await store.vectorFile.sync();
      await itemsWriter.finish();
    },
    close: () => itemsWriter.close(),
  };
}

/** Writes `vectors.npy` and `items.jsonl`; copies the vectors of a store whose vector file has another layout. */
export async function createNpyCopyWriter(
  disk: Disk,
  paths: { readonly vectors: string; readonly items: string },
  { store, withText }: { readonly store: VectorStore; readonly withText: boolean },
): Promise<ResultWriter> {
  const slotSize = store.dimensions * 4;
  const itemsWriter = await createItemsWriter(disk, paths.items, withText);
  const file = await disk.open(paths.vectors);
  await file.truncate(0);
  await file.write([encodeNpyHeader(store.items, store.dimensions)], 0);
  return {
    async write(block) {
      const { start, slots, vectors } = block;
      for (const { index, status } of slots) {
        if (status !== SLOT_OK)
          vectors.fill(Number.NaN, (index - start) * store.dimensions, (index - start + 1) * store.dimensions);
      }
      const bytes = new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength);
      await file.write([bytes], NPY_HEADER_BYTES + start * slotSize);
      await itemsWriter.write(block);
    },
    async finish() {
      await file.sync();
      await itemsWriter.finish();
    },
    close: async () => {
      await Promise.all([file.close(), itemsWriter.close()]);
    },
  };
}
