import fc from "fast-check";
import { expect, test } from "vitest";
import type { DiskFile } from "#src/producer/storage/disk.ts";
import { PagedReader } from "#src/producer/storage/paged-reader.ts";

const PAGE = 256 * 1024;

function growingFile() {
  let bytes = Buffer.alloc(0);
  let reads = 0;
  const file = {
    read: async (into: Uint8Array, position: number) => {
      reads += 1;
      const part = bytes.subarray(position, position + into.byteLength);
      into.set(part);
      return part.length;
    },
  } as unknown as DiskFile;
  return {
    file,
    grow: (by: number) => {
      const more = Buffer.from(Array.from({ length: by }, (_, n) => (bytes.length + n) % 251));
      bytes = Buffer.concat([bytes, more]);
    },
    slice: (position: number, length: number) => bytes.subarray(position, position + length),
    reads: () => reads,
  };
}

test("what is read is what the file holds, also while it grows", async () => {
  const step = fc.record({ grow: fc.nat({ max: 90_000 }), at: fc.nat({ max: 999 }), length: fc.nat(9_000) });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const { file, grow, slice } = growingFile();
      const reader = new PagedReader(file);
      let size = 0;
      for (const { grow: by, at, length } of steps) {
        grow(by);
        size += by;
        const position = Math.floor((size * at) / 1_000);
        const read = await reader.read(position, length + 1);
        expect(read.equals(slice(position, length + 1))).toBe(true);
      }
    }),
    { numRuns: 40 },
  );
});

test("many small reads of a page are one read of the file, also where the page is the last and not full", async () => {
  const { file, grow, reads } = growingFile();
  grow(PAGE + 20_000);
  const reader = new PagedReader(file);
  for (let position = 0; position + 50 <= PAGE + 20_000; position += 50) await reader.read(position, 50);
  expect(reads()).toBe(2);
});
