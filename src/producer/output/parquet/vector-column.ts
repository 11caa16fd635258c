/**
 * Writes the vector column of a Parquet row group. The library's own encoder for lists handles every float as a
 * JavaScript value (about 1,000 vectors of 1536 floats per second). Here the bytes go from the vector file to the page
 * unchanged, because PLAIN encoding of FLOAT is little-endian float32, and the levels of lists of one fixed length are
 * runs.
 */
import type { SchemaElement } from "hyparquet";
import type { PagedLayout } from "#src/producer/output/vector-layout.ts";
import type { RecordedItem } from "#src/producer/storage/read-records.ts";
import type { WrittenColumn } from "./footer.ts";
import { DATA_PAGE_V2, ENCODING_PLAIN } from "./page-header.ts";
import type { SegmentWriter } from "./segment-writer.ts";
import type { ThriftStruct, ThriftValue } from "./thrift.ts";
import { encodePageStart, PARQUET_PAGE_BYTES } from "./vector-page.ts";

export const VECTOR_COLUMN = "vector";
export const VECTOR_PATH = [VECTOR_COLUMN, "list", "element"];

/** A nullable list of floats; null for a failed item. */
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
  readonly rows: readonly RecordedItem[];
  readonly vectors: Float32Array;
  readonly dimensions: number;
}

/** Appends the pages of a row group. The vectors must stay untouched until the writer is drained. */
export function writeVectorColumn(writer: SegmentWriter, { rows, vectors, dimensions }: VectorRows): WrittenColumn {
  const rowsPerPage = Math.max(1, Math.floor(PARQUET_PAGE_BYTES / Math.max(dimensions * 4, 1)));
  const start = writer.offset;
  const pages: Page[] = [];
  for (let first = 0; first < rows.length; first += rowsPerPage) {
    const offset = writer.offset;
    const end = Math.min(first + rowsPerPage, rows.length);
    const isPresent = (row: number) => rows[first + row]?.record.status === "ok";
    const { bytes, values, nulls } = encodePageStart({ dimensions, isPresent, count: end - first });
    writer.appendBytes(bytes);
    for (const [from, to] of presentRows(rows, first, end)) {
      const byteOffset = vectors.byteOffset + from * dimensions * 4;
      writer.appendBytes(new Uint8Array(vectors.buffer, byteOffset, (to - from) * dimensions * 4));
    }
    pages.push({ offset, size: writer.offset - offset, firstRow: first, values, nulls });
  }
  return describeColumn(start, pages);
}

/** Describes the pages of rows `start` to `start + count`, whose vectors are already in place in the vector file. */
export function describePlacedColumn(
  layout: PagedLayout,
  dimensions: number,
  { start, count }: { readonly start: number; readonly count: number },
): WrittenColumn {
  const pages: Page[] = [];
  for (let first = 0; first < count; first += layout.rowsPerPage) {
    const rows = Math.min(layout.rowsPerPage, count - first);
    const { position: offset, bytes } = layout.pageStart(start + first);
    const size = bytes.length + rows * dimensions * 4;
    pages.push({ offset, size, firstRow: first, values: rows * dimensions, nulls: 0 });
  }
  return describeColumn(layout.pageStart(start).position, pages);
}

interface Page {
  readonly offset: number;
  readonly size: number;
  /** Relative to its row group. */
  readonly firstRow: number;
  readonly values: number;
  readonly nulls: number;
}

const TYPE_FLOAT = 4;
const ENCODING_RLE = 3;
const CODEC_UNCOMPRESSED = 0;

/** Builds `ColumnChunk` and `OffsetIndex` of the Parquet format. */
function describeColumn(start: number, pages: readonly Page[]): WrittenColumn {
  const sum = (getCount: (page: Page) => number) => BigInt(pages.reduce((total, page) => total + getCount(page), 0));
  const bytes = sum(({ size }) => size);
  const columnMetadata = new Map<number, ThriftValue>([
    [1, TYPE_FLOAT],
    [2, [ENCODING_PLAIN, ENCODING_RLE]],
    [3, VECTOR_PATH],
    [4, CODEC_UNCOMPRESSED],
    [5, sum(({ values }) => values)],
    // Uncompressed and compressed bytes.
    [6, bytes],
    [7, bytes],
    [9, BigInt(start)],
    // Statistics: the number of nulls.
    [12, new Map([[3, sum(({ nulls }) => nulls)]])],
    // Encoding statistics: how many pages have which type and encoding.
    [13, [toStruct(DATA_PAGE_V2, ENCODING_PLAIN, pages.length)]],
  ]);
  const locations = pages.map(({ offset, size, firstRow }) => toStruct(BigInt(offset), size, BigInt(firstRow)));
  return {
    chunk: new Map<number, ThriftValue>([
      [2, BigInt(start)],
      [3, columnMetadata],
    ]),
    offsetIndex: pages.length > 1 ? new Map([[1, locations]]) : undefined,
    bytes,
  };
}

/** A struct with fields 1, 2, 3 ... */
function toStruct(...values: readonly ThriftValue[]): ThriftStruct {
  return new Map(values.map((value, i) => [i + 1, value]));
}

/** Yields the ranges of rows that have a vector. */
function* presentRows(rows: readonly RecordedItem[], first: number, end: number): Generator<readonly [number, number]> {
  for (let row = first; row < end; row += 1) {
    const from = row;
    while (row < end && rows[row]?.record.status === "ok") row += 1;
    if (row > from) yield [from, row];
  }
}
