import { ByteWriter } from "hyparquet-writer";
import { writePageHeader } from "./page-header.ts";

/** Maximum bytes of vectors in a page. */
export const PARQUET_PAGE_BYTES = 1024 * 1024;

/** Definition level of a float of a vector that is present. Level 0 is a null list. */
const PRESENT = 2;

/** The vectors of a page: lists of one fixed length, or null. */
export interface PageRows {
  readonly dimensions: number;
  readonly isPresent: (row: number) => boolean;
  readonly count: number;
}

export interface PageStart {
  /** The page's header and levels; its floats follow. */
  readonly bytes: Uint8Array;
  /** Floats and null lists. */
  readonly values: number;
  readonly nulls: number;
}

/** Encodes everything that comes before the floats of a page. The levels of lists of one length are runs. */
export function encodePageStart({ dimensions, isPresent, count }: PageRows): PageStart {
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
  const values = floats + nulls;
  const writer = new ByteWriter();
  writePageHeader(writer, {
    pageBytes: repetition.offset + definition.offset + floats * 4,
    valueCount: values,
    nullCount: nulls,
    rowCount: count,
    definitionLevelBytes: definition.offset,
    repetitionLevelBytes: repetition.offset,
  });
  writer.appendBytes(repetition.getBytes());
  writer.appendBytes(definition.getBytes());
  return { bytes: writer.getBytes(), values, nulls };
}

/** Encodes the start of a page in which no vector is missing. */
export function encodeFullPageStart(rows: number, dimensions: number): Uint8Array {
  return encodePageStart({ dimensions, isPresent: () => true, count: rows }).bytes;
}

/** Writes one run of the RLE/bit-packing hybrid encoding; both kinds of levels fit in a byte. */
function writeRun(writer: ByteWriter, level: number, count: number): void {
  if (count === 0) return;
  writer.appendVarInt(count << 1);
  writer.appendUint8(level);
}
