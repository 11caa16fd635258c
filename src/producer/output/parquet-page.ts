import { ByteWriter } from "hyparquet-writer";
import { writePageHeader } from "hyparquet-writer/src/datapage.js";

/** Bytes of vectors in a page, at most. */
export const PARQUET_PAGE_BYTES = 1024 * 1024;

/** Definition level of a float that is there: the list is not null, and it has an element. 0 is a null list. */
const PRESENT = 2;

/** Lists of one fixed length in a page: whether each of them is there, from the first to the last. */
export interface PageRows {
  readonly dimensions: number;
  readonly isPresent: (row: number) => boolean;
  readonly count: number;
}

export interface PageStart {
  /** Everything of the page that is not its floats, which follow it. */
  readonly bytes: Uint8Array;
  readonly values: number;
  readonly nulls: number;
}

/** What stands before the floats of a page: its header and the levels, which are runs for lists of one length. */
export function pageStart({ dimensions, isPresent, count }: PageRows): PageStart {
  const repetition = new ByteWriter();
  const definition = new ByteWriter();
  let nulls = 0;
  for (let row = 0; row < count; ) {
    const present = isPresent(row);
    let stop = row + 1;
    while (stop < count && isPresent(stop) === present) stop += 1;
    const rows = stop - row;
    if (present) {
      for (let i = 0; i < rows; i += 1) {
        writeRun(repetition, 0, 1);
        writeRun(repetition, 1, dimensions - 1);
      }
      writeRun(definition, PRESENT, rows * dimensions);
    } else {
      nulls += rows;
      writeRun(repetition, 0, rows);
      writeRun(definition, 0, rows);
    }
    row = stop;
  }
  const floats = (count - nulls) * dimensions;
  const size = repetition.offset + definition.offset + floats * 4;
  const values = floats + nulls;
  const header = new ByteWriter();
  writePageHeader(header, {
    type: "DATA_PAGE_V2",
    uncompressed_page_size: size,
    compressed_page_size: size,
    data_page_header_v2: {
      num_values: values,
      num_nulls: nulls,
      num_rows: count,
      encoding: "PLAIN",
      definition_levels_byte_length: definition.offset,
      repetition_levels_byte_length: repetition.offset,
      is_compressed: false,
    },
  });
  header.appendBytes(repetition.getBytes());
  header.appendBytes(definition.getBytes());
  return { bytes: header.getBytes(), values, nulls };
}

const known = new Map<string, Uint8Array>();
const MAX_KNOWN = 16;

/** `pageStart` of a page in which no list is null: the same for all of a run's pages but the last. */
export function pagePreamble(rows: number, dimensions: number): Uint8Array {
  const key = `${rows}x${dimensions}`;
  let bytes = known.get(key);
  if (bytes === undefined) {
    bytes = pageStart({ dimensions, isPresent: () => true, count: rows }).bytes;
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(key, bytes);
  }
  return bytes;
}

/** One run of the RLE hybrid encoding; both levels fit in a byte. */
function writeRun(writer: ByteWriter, level: number, count: number): void {
  if (count === 0) return;
  writer.appendVarInt(count << 1);
  writer.appendUint8(level);
}
