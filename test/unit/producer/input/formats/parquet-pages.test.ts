import { expect, test } from "vitest";
import { findPages } from "#src/producer/input/formats/parquet-pages.ts";

/** A page of version 1 with these repetition levels: its header in Thrift's compact protocol, and its levels bit-packed. */
function writePage(levels: readonly number[]): number[] {
  const zigzag = (value: number) => value * 2;
  const packed = levels.reduce((bits, level, at) => bits | (level << at), 0);
  const body = [2, 0, 0, 0, 3, packed, 7, 7, 7];
  const header = [
    0x15,
    0,
    0x15,
    zigzag(body.length),
    0x15,
    zigzag(body.length),
    0x2c,
    0x15,
    zigzag(levels.length),
    0x15,
    0,
    0x15,
    6,
    0x15,
    6,
    0,
    0,
  ];
  return [...header, ...body];
}

test("a page of lists that continues a row belongs to the page before", async () => {
  const pages = [writePage([0, 1, 0, 1]), writePage([1, 1, 0]), writePage([1, 1]), writePage([0, 0, 1])];
  const bytes = Uint8Array.from(pages.flat());
  const size = pages[0]?.length ?? 0;
  const column = { data_page_offset: 0n, total_compressed_size: BigInt(bytes.length), codec: "UNCOMPRESSED" } as never;
  const file = { byteLength: bytes.length, slice: (start: number, end?: number) => bytes.slice(start, end).buffer };
  const found = await findPages({ file, column, maxRepetition: 1, decompress: (input) => input });
  expect(found).toMatchObject([
    { offset: 0n, first_row_index: 0n, compressed_page_size: 3 * size },
    { offset: BigInt(3 * size), first_row_index: 3n, compressed_page_size: size },
  ]);
});
