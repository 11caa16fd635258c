import { ByteWriter } from "hyparquet-writer";
import { ThriftReader, type ThriftStruct, type ThriftValue, writeThriftStruct } from "./thrift.ts";

/*
 * Field ids of `FileMetaData`, `RowGroup` and `ColumnChunk` in the Parquet format
 * (https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift).
 */
const FILE_ROW_GROUPS = 4;
const GROUP_COLUMNS = 1;
const GROUP_BYTES = 2;
const GROUP_COMPRESSED_BYTES = 6;
const CHUNK_INDEX_OFFSET = 4;
const CHUNK_INDEX_LENGTH = 5;

/** The last bytes of the file: the length of the metadata (u32) and "PAR1". */
const TRAILER_BYTES = 8;

/** A column chunk whose pages are already in the file. */
export interface WrittenColumn {
  /** `ColumnChunk` without the location of its offset index. */
  readonly chunk: ThriftStruct;
  /** `OffsetIndex`; undefined for a chunk of one page, which needs none. */
  readonly offsetIndex: ThriftStruct | undefined;
  /** Bytes of all its pages. */
  readonly bytes: bigint;
}

/**
 * Adds one column to each row group of a file that a `ParquetWriter` finished without it. `end` is what the writer
 * appended at `offset` when it finished: the offset indexes of all columns, the metadata, and the trailer. Returns the
 * bytes to write in its place.
 */
export function insertColumns(
  end: Uint8Array,
  offset: number,
  { columns, position }: { readonly columns: readonly WrittenColumn[]; readonly position: number },
): Uint8Array {
  const trailer = end.subarray(end.length - TRAILER_BYTES);
  const metadataLength = new DataView(trailer.buffer, trailer.byteOffset).getUint32(0, true);
  const metadataStart = end.length - TRAILER_BYTES - metadataLength;
  const metadata = new ThriftReader(end.subarray(metadataStart)).readStruct();
  const writer = new ByteWriter();
  const indexStart = (chunk: ThriftStruct) => Number(chunk.get(CHUNK_INDEX_OFFSET)) - offset;
  for (const [i, group] of getStructs(metadata, FILE_ROW_GROUPS).entries()) {
    const column = columns[i];
    if (column === undefined) throw new RangeError(`row group ${i} has no vector column`);
    const chunks = getStructs(group, GROUP_COLUMNS);
    for (const chunk of chunks) {
      if (!chunk.has(CHUNK_INDEX_OFFSET)) continue;
      const start = indexStart(chunk);
      chunk.set(CHUNK_INDEX_OFFSET, BigInt(offset + writer.offset));
      writer.appendBytes(end.subarray(start, start + Number(chunk.get(CHUNK_INDEX_LENGTH))));
    }
    group.set(GROUP_COLUMNS, chunks.toSpliced(position, 0, appendColumn(writer, offset, column)));
    for (const field of [GROUP_BYTES, GROUP_COMPRESSED_BYTES])
      group.set(field, BigInt(Number(group.get(field))) + column.bytes);
  }
  const newMetadataStart = writer.offset;
  writeThriftStruct(writer, metadata);
  writer.appendUint32(writer.offset - newMetadataStart);
  writer.appendBytes(trailer.subarray(4));
  return writer.getBytes();
}

/** Appends the column's offset index and returns its chunk with the location of it. */
function appendColumn(writer: ByteWriter, offset: number, { chunk, offsetIndex }: WrittenColumn): ThriftStruct {
  if (offsetIndex === undefined) return chunk;
  const start = writer.offset;
  writeThriftStruct(writer, offsetIndex);
  return new Map<number, ThriftValue>([
    ...chunk,
    [CHUNK_INDEX_OFFSET, BigInt(offset + start)],
    [CHUNK_INDEX_LENGTH, writer.offset - start],
  ]);
}

function getStructs(struct: ThriftStruct, id: number): ThriftStruct[] {
  const list = struct.get(id);
  if (!Array.isArray(list)) throw new TypeError(`the Parquet metadata has no list in field ${id}`);
  return list.filter((element) => element instanceof Map);
}
