import type { AsyncBuffer, ColumnChunk, ColumnMetaData, OffsetIndex, RowGroup } from "hyparquet";
import { ThriftReader, type ThriftStruct } from "#src/producer/output/parquet/thrift.ts";
import { countRowStarts, type RowStarts } from "./repetition-levels.ts";

/** A data page, as its header describes it. */
export type ParquetPage = OffsetIndex["page_locations"][number] & { readonly uncompressedBytes: number };

/** Fields of `PageHeader` and its parts in the Parquet format; see `src/producer/output/parquet/page-header.ts`. */
const [TYPE, UNCOMPRESSED_BYTES, COMPRESSED_BYTES, HEADER_V1, HEADER_V2] = [1, 2, 3, 5, 8] as const;
const DICTIONARY_PAGE = 2;
const [V1_VALUES, V2_ROWS] = [1, 3] as const;

const FIRST_WINDOW_BYTES = 4 * 1024;
/** A header may contain the smallest and the largest text of its page. */
const MAX_HEADER_BYTES = 16 * 1024 * 1024;

/** What is needed to count the rows of a column's pages. */
export interface ColumnReader {
  readonly file: AsyncBuffer;
  readonly column: ColumnMetaData;
  /** How many lists contain a value; 0 if each row has one value. */
  readonly maxRepetition: number;
  readonly decompress: (bytes: Uint8Array, uncompressedBytes: number) => Uint8Array;
}

/**
 * Finds the data pages of a column by their headers. Only pages of version 1 of lists do not state their rows, so each of
 * them is read to count these. A page that continues the row of the page before is added to that page.
 */
export async function findPages({ file, column, maxRepetition, decompress }: ColumnReader): Promise<ParquetPage[]> {
  const start = Number(column.dictionary_page_offset || column.data_page_offset);
  const end = start + Number(column.total_compressed_size);
  const pages: ParquetPage[] = [];
  let firstRow = 0;
  for (let at = start; at < end; ) {
    const { header, bytes } = await readHeader(file, at, end);
    const size = bytes + Number(header.get(COMPRESSED_BYTES));
    if (header.get(TYPE) !== DICTIONARY_PAGE) {
      const uncompressedBytes = Number(header.get(UNCOMPRESSED_BYTES));
      const readLevels = async () =>
        decompress(new Uint8Array(await file.slice(at + bytes, at + size)), uncompressedBytes);
      const { rows, startsRow } = await countRows(header, maxRepetition, readLevels);
      const last = pages.at(-1);
      if (startsRow || last === undefined) {
        const page = { offset: BigInt(at), compressed_page_size: size, first_row_index: BigInt(firstRow) };
        pages.push({ ...page, uncompressedBytes });
      } else {
        const page = { ...last, compressed_page_size: last.compressed_page_size + size };
        pages[pages.length - 1] = { ...page, uncompressedBytes: last.uncompressedBytes + uncompressedBytes };
      }
      firstRow += rows;
    }
    at += size;
  }
  return pages;
}

async function readHeader(
  file: AsyncBuffer,
  at: number,
  end: number,
): Promise<{ readonly header: ThriftStruct; readonly bytes: number }> {
  for (let length = FIRST_WINDOW_BYTES; ; length *= 16) {
    const reader = new ThriftReader(new Uint8Array(await file.slice(at, Math.min(end, at + length))));
    try {
      const header = reader.readStruct();
      return { header, bytes: reader.offset };
    } catch (error) {
      if (!(error instanceof RangeError) || at + length >= end || length > MAX_HEADER_BYTES) throw error;
    }
  }
}

async function countRows(
  header: ThriftStruct,
  maxRepetition: number,
  readPage: () => Promise<Uint8Array>,
): Promise<RowStarts> {
  const [v1, v2] = [header.get(HEADER_V1), header.get(HEADER_V2)];
  if (v2 instanceof Map) return { rows: Number(v2.get(V2_ROWS)), startsRow: true };
  const values = v1 instanceof Map ? Number(v1.get(V1_VALUES)) : 0;
  return maxRepetition === 0
    ? { rows: values, startsRow: true }
    : countRowStarts(await readPage(), values, maxRepetition);
}

/** Uncompressed bytes decoded at once, unless a single page has more. */
const SLICE_BYTES = 16 * 1024 * 1024;
/** Rows decoded at once; values that a dictionary repeats have few bytes, but the rows fill the memory. */
const SLICE_ROWS = 50_000;

/**
 * Returns the first row of every slice of a group. Slices start where a page of the largest column does, if its pages
 * are known, because a page that two slices share is decoded twice.
 */
export function computeSliceStarts(group: RowGroup, pages: ReadonlyMap<string, readonly ParquetPage[]>): number[] {
  const rows = Number(group.num_rows);
  const bytes = Math.max(
    1,
    group.columns.reduce((sum, column) => sum + sizeOf(column), 0),
  );
  const largest = group.columns.reduce<ColumnChunk | undefined>(
    (a, b) => (a && sizeOf(a) >= sizeOf(b) ? a : b),
    undefined,
  );
  const largestPages = largest && pages.get(largest.meta_data?.path_in_schema.join(".") ?? "");
  const starts: number[] = [];
  let sliceBytes = Number.POSITIVE_INFINITY;
  for (const { first_row_index: first, uncompressedBytes } of largestPages ?? []) {
    if (sliceBytes + uncompressedBytes > (SLICE_BYTES * sizeOf(largest)) / bytes) {
      starts.push(Number(first));
      sliceBytes = 0;
    }
    sliceBytes += uncompressedBytes;
  }
  const most = largestPages ? SLICE_ROWS : Math.min(SLICE_ROWS, Math.ceil((rows * SLICE_BYTES) / bytes));
  if (starts.length === 0 && rows > 0) starts.push(0);
  return starts.flatMap((start, at) => {
    const length = (starts[at + 1] ?? rows) - start;
    return Array.from({ length: Math.ceil(length / most) }, (_, part) => start + part * most);
  });
}

function sizeOf(column: ColumnChunk | undefined): number {
  return Number(column?.meta_data?.total_uncompressed_size ?? 0);
}
