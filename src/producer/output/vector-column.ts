/**
 * Writes the vector column of a Parquet row group. The library's own way for lists handles every float as a JavaScript
 * value (about 1,000 vectors of 1536 per second); here the bytes go from the vector file to the page as they are,
 * because PLAIN encoding of FLOAT is little-endian float32, and the levels of lists of one fixed length are runs.
 */
import type { ColumnChunk, OffsetIndex, RowGroup, SchemaElement } from "hyparquet";
import { type LedgerSlot, SLOT_OK } from "#src/producer/storage/ledger.ts";
import type { SegmentWriter } from "#src/producer/storage/segment-writer.ts";
import { PARQUET_PAGE_BYTES, pagePreamble, pageStart } from "./parquet-page.ts";
import type { PagedLayout } from "./vector-layout.ts";

export const VECTOR_COLUMN = "vector";
export const VECTOR_PATH = [VECTOR_COLUMN, "list", "element"];

/** A nullable list of floats: null for a failed item. */
export const VECTOR_SCHEMA: readonly SchemaElement[] = [
  {
    name: VECTOR_COLUMN,
    repetition_type: "OPTIONAL",
    num_children: 1,
    converted_type: "LIST",
    logical_type: { type: "LIST" },
  },
  { name: "list", repetition_type: "REPEATED", num_children: 1 },
  { name: "element", type: "FLOAT", repetition_type: "REQUIRED" },
];

interface VectorRows {
  readonly slots: readonly LedgerSlot[];
  readonly vectors: Float32Array;
  readonly dimensions: number;
}

/** A column of a row group, as the file's metadata describes it. */
export interface WrittenColumn {
  readonly chunk: ColumnChunk;
  readonly offsetIndex: OffsetIndex;
}

/** Appends the pages and returns what the row group's metadata says of them. The vectors stay in use until drained. */
export function writeVectorColumn(writer: SegmentWriter, { slots, vectors, dimensions }: VectorRows): WrittenColumn {
  const perPage = Math.max(1, Math.floor(PARQUET_PAGE_BYTES / Math.max(dimensions * 4, 1)));
  const start = writer.offset;
  const pages: Page[] = [];
  for (let first = 0; first < slots.length; first += perPage) {
    const offset = writer.offset;
    const end = Math.min(first + perPage, slots.length);
    const isPresent = (row: number) => slots[first + row]?.status === SLOT_OK;
    const { bytes, values, nulls } = pageStart({ dimensions, isPresent, count: end - first });
    writer.appendBytes(bytes);
    for (const [from, to] of presentRows(slots, first, end)) {
      const at = vectors.byteOffset + from * dimensions * 4;
      writer.appendBytes(new Uint8Array(vectors.buffer, at, (to - from) * dimensions * 4));
    }
    pages.push({ offset, size: writer.offset - offset, firstRow: first, values, nulls });
  }
  return describeColumn(start, pages);
}

/** Pages whose vectors are in their places already: what stands before them belongs where `preambles` says. */
export function placedVectorColumn(
  layout: PagedLayout,
  dimensions: number,
  { start, count }: { readonly start: number; readonly count: number },
): WrittenColumn & {
  readonly preambles: readonly { readonly bytes: Uint8Array; readonly position: number }[];
} {
  const pages: Page[] = [];
  const preambles: { bytes: Uint8Array; position: number }[] = [];
  for (let first = 0; first < count; first += layout.rowsPerPage) {
    const rows = Math.min(layout.rowsPerPage, count - first);
    const bytes = pagePreamble(rows, dimensions);
    const offset = layout.pageStart(start + first);
    preambles.push({ bytes, position: offset });
    const size = bytes.length + rows * dimensions * 4;
    pages.push({ offset, size, firstRow: first, values: rows * dimensions, nulls: 0 });
  }
  return { ...describeColumn(layout.pageStart(start), pages), preambles };
}

interface Page {
  readonly offset: number;
  readonly size: number;
  /** In its row group. */
  readonly firstRow: number;
  readonly values: number;
  readonly nulls: number;
}

function describeColumn(start: number, pages: readonly Page[]): WrittenColumn {
  const sum = (of: (page: Page) => number) => BigInt(pages.reduce((total, page) => total + of(page), 0));
  const size = sum((page) => page.size);
  const chunk: ColumnChunk = {
    file_offset: BigInt(start),
    meta_data: {
      type: "FLOAT",
      encodings: ["PLAIN", "RLE"],
      path_in_schema: VECTOR_PATH,
      codec: "UNCOMPRESSED",
      num_values: sum((page) => page.values),
      total_uncompressed_size: size,
      total_compressed_size: size,
      data_page_offset: BigInt(start),
      statistics: { null_count: sum((page) => page.nulls) },
      encoding_stats: [{ page_type: "DATA_PAGE_V2", encoding: "PLAIN", count: pages.length }],
    },
  };
  const page_locations = pages.map(({ offset, size: bytes, firstRow }) => ({
    offset: BigInt(offset),
    compressed_page_size: bytes,
    first_row_index: BigInt(firstRow),
  }));
  return { chunk, offsetIndex: { page_locations } };
}

/** Ranges of rows that have their vector. */
function* presentRows(slots: readonly LedgerSlot[], first: number, end: number): Generator<readonly [number, number]> {
  for (let row = first; row < end; row += 1) {
    const from = row;
    while (row < end && slots[row]?.status === SLOT_OK) row += 1;
    if (row > from) yield [from, row];
  }
}

/** Puts the column where the schema has it and adds its size to the row group's. */
export function insertColumn(group: RowGroup, position: number, chunk: ColumnChunk): void {
  const size = chunk.meta_data?.total_compressed_size ?? 0n;
  group.columns.splice(position, 0, chunk);
  group.total_byte_size += size;
  group.total_compressed_size = (group.total_compressed_size ?? 0n) + size;
}
