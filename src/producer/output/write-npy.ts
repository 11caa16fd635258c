import type { Disk } from "#src/producer/storage/disk.ts";
import type { RunStore } from "#src/producer/storage/run-store.ts";
import type { VectorFile } from "#src/producer/storage/vectors/vector-file.ts";
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
  { items, vectors, withText }: { readonly items: number; readonly vectors: VectorFile; readonly withText: boolean },
): Promise<ResultWriter> {
  const { file, dimensions } = vectors;
  const itemsWriter = await createItemsWriter(disk, itemsPath, withText);
  await file.write([encodeNpyHeader(items, dimensions)], 0);
  const notANumber = new Uint8Array(new Float32Array(dimensions).fill(Number.NaN).buffer);
  return {
    async write(block) {
      for (const { record } of block.rows) {
        if (record.status === "ok") continue;
        await file.write([notANumber], NPY_HEADER_BYTES + record.index * dimensions * 4);
      }
      await itemsWriter.write(block);
    },
    async finish() {
      await file.truncate(NPY_HEADER_BYTES + items * dimensions * 4);
      await file.sync();
      await itemsWriter.finish();
    },
    close: () => itemsWriter.close(),
  };
}

/** Writes `vectors.npy` and `items.jsonl`; copies the vectors of a store whose vector file has another layout. */
export async function createNpyCopyWriter(
  disk: Disk,
  paths: { readonly vectors: string; readonly items: string },
  { store, withText }: { readonly store: RunStore; readonly withText: boolean },
): Promise<ResultWriter> {
  const { dimensions } = store;
  const itemsWriter = await createItemsWriter(disk, paths.items, withText);
  const file = await disk.open(paths.vectors);
  await file.truncate(0);
  await file.write([encodeNpyHeader(store.items, dimensions)], 0);
  return {
    async write(block) {
      const { start, rows, vectors } = block;
      for (const [row, { record }] of rows.entries()) {
        if (record.status !== "ok") vectors.fill(Number.NaN, row * dimensions, (row + 1) * dimensions);
      }
      const bytes = new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength);
      await file.write([bytes], NPY_HEADER_BYTES + start * dimensions * 4);
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
