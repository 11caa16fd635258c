import { open } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { decodeNpyHeader, NPY_HEADER_BYTES } from "#src/producer/output/npy-header.ts";
import type { FoundRows } from "./found-row.ts";

const BLOCK_BYTES = 512 * 1024;

/** Yields the vectors of a NumPy file as rows without ids. Throws an Error if the file is no complete NumPy file. */
export async function* readVectorRows(path: string): AsyncGenerator<FoundRows> {
  await using file = await open(path, "r");
  const header = Buffer.alloc(NPY_HEADER_BYTES);
  await file.read(header, 0, header.length, 0);
  const shape = decodeNpyHeader(header);
  const { size } = await file.stat();
  if (shape === undefined) throw new Error("it has no NumPy header of a run");
  const { items, dimensions } = shape;
  if (size !== NPY_HEADER_BYTES + items * dimensions * 4) {
    throw new Error(`its header states ${items} vectors of ${dimensions} floats, which is not the size of the file`);
  }
  yield { rows: [], bytes: header, end: NPY_HEADER_BYTES };
  const rowBytes = dimensions * 4;
  const failed = checksumOfNaN(dimensions);
  const rowsPerBlock = Math.max(1, Math.floor(BLOCK_BYTES / Math.max(rowBytes, 1)));
  const buffer = Buffer.allocUnsafeSlow(Math.min(items, rowsPerBlock) * rowBytes);
  for (let start = 0; start < items; start += rowsPerBlock) {
    const count = Math.min(rowsPerBlock, items - start);
    await file.read(buffer, 0, count * rowBytes, NPY_HEADER_BYTES + start * rowBytes);
    const rows = Array.from({ length: count }, (_, i) => {
      const result = crc32(buffer.subarray(i * rowBytes, (i + 1) * rowBytes));
      return result === failed ? { isOk: false } : { isOk: true, result };
    });
    yield { rows, bytes: buffer.subarray(0, count * rowBytes), end: NPY_HEADER_BYTES + (start + count) * rowBytes };
  }
}

/** The vector of a failed item is NaN. */
function checksumOfNaN(dimensions: number): number {
  return crc32(new Uint8Array(new Float32Array(dimensions).fill(Number.NaN).buffer));
}
