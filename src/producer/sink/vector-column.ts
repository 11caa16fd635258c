/**
 * Writes the vector column of a Parquet row group. The library's own way for lists handles every float as a JavaScript
 * value (about 1,000 vectors of 1536 per second); here the bytes go from the vector file to the page as they are,
 * because PLAIN encoding of FLOAT is little-endian float32, and the levels of lists of one fixed length are runs.
 */
import type { ColumnChunk, OffsetIndex, RowGroup, SchemaElement } from "hyparquet";
import { ByteWriter } from "hyparquet-writer";
import { writePageHeader } from "hyparquet-writer/src/datapage.js";
import { type LedgerSlot, SLOT_OK } from "./ledger.ts";
import type { SegmentWriter } from "./segment-writer.ts";

const PAGE_BYTES = 1024 * 1024;

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

/** Definition level of a float that is there: the list is not null, and it has an element. 0 is a null list. */
const PRESENT = 2;

interface VectorRows {
  readonly slots: readonly LedgerSlot[];
  readonly vectors: Float32Array;
  readonly dimensions: number;
}

/** Appends the pages and returns what the row group's metadata says of them. The vectors stay in use until drained. */
export function writeVectorColumn(
  writer: SegmentWriter,
  rows: VectorRows,
): { chunk: ColumnChunk; offsetIndex: OffsetIndex } {
  const perPage = Math.max(1, Math.floor(PAGE_BYTES / Math.max(rows.dimensions * 4, 1)));
  const start = writer.offset;
  const locations: OffsetIndex["page_locations"] = [];
  let values = 0;
  let nulls = 0;
  for (let first = 0; first < rows.slots.length; first += perPage) {
    const offset = writer.offset;
    const page = writePage(writer, rows, first, Math.min(first + perPage, rows.slots.length));
    values += page.values;
    nulls += page.nulls;
    const size = writer.offset - offset;
    locations.push({ offset: BigInt(offset), compressed_page_size: size, first_row_index: BigInt(first) });
  }
  const size = BigInt(writer.offset - start);
  const chunk: ColumnChunk = {
    file_offset: BigInt(start),
    meta_data: {
      type: "FLOAT",
      encodings: ["PLAIN", "RLE"],
      path_in_schema: VECTOR_PATH,
      codec: "UNCOMPRESSED",
      num_values: BigInt(values),
      total_uncompressed_size: size,
      total_compressed_size: size,
      data_page_offset: BigInt(start),
      statistics: { null_count: BigInt(nulls) },
      encoding_stats: [{ page_type: "DATA_PAGE_V2", encoding: "PLAIN", count: locations.length }],
    },
  };
  return { chunk, offsetIndex: { page_locations: locations } };
}

/** Puts the column where the schema has it and adds its size to the row group's. */
export function insertColumn(group: RowGroup, position: number, chunk: ColumnChunk): void {
  const size = chunk.meta_data?.total_compressed_size ?? 0n;
  group.columns.splice(position, 0, chunk);
  group.total_byte_size += size;
  group.total_compressed_size = (group.total_compressed_size ?? 0n) + size;
}

function writePage(writer: SegmentWriter, rows: VectorRows, first: number, end: number) {
  const { slots, vectors, dimensions } = rows;
  const repetition = new ByteWriter();
  const definition = new ByteWriter();
  const bytes: Uint8Array[] = [];
  let nulls = 0;
  for (let row = first; row < end; ) {
    const present = slots[row]?.status === SLOT_OK;
    let stop = row + 1;
    while (stop < end && (slots[stop]?.status === SLOT_OK) === present) stop += 1;
    const count = stop - row;
    if (present) {
      for (let i = 0; i < count; i += 1) {
        writeRun(repetition, 0, 1);
        writeRun(repetition, 1, dimensions - 1);
      }
      writeRun(definition, PRESENT, count * dimensions);
      const offset = vectors.byteOffset + row * dimensions * 4;
      bytes.push(new Uint8Array(vectors.buffer, offset, count * dimensions * 4));
    } else {
      nulls += count;
      writeRun(repetition, 0, count);
      writeRun(definition, 0, count);
    }
    row = stop;
  }
  const size = repetition.offset + definition.offset + bytes.reduce((sum, part) => sum + part.length, 0);
  const values = (end - first - nulls) * dimensions + nulls;
  writePageHeader(writer, {
    type: "DATA_PAGE_V2",
    uncompressed_page_size: size,
    compressed_page_size: size,
    data_page_header_v2: {
      num_values: values,
      num_nulls: nulls,
      num_rows: end - first,
      encoding: "PLAIN",
      definition_levels_byte_length: definition.offset,
      repetition_levels_byte_length: repetition.offset,
      is_compressed: false,
    },
  });
  for (const part of [repetition.getBytes(), definition.getBytes(), ...bytes]) writer.appendBytes(part);
  return { values, nulls };
}

/** One run of the RLE hybrid encoding; both levels fit in a byte. */
function writeRun(writer: ByteWriter, level: number, count: number): void {
  if (count === 0) return;
  writer.appendVarInt(count << 1);
  writer.appendUint8(level);
}
