import type { FileHandle } from "node:fs/promises";
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import type { AsyncBuffer, Compressors, FileMetaData, RowGroup } from "hyparquet";
import { hasProtoKey, PROTO_KEY_FAULT, parseRecord, type RecordContext } from "#src/producer/input/record-fields.ts";
import { type Finding, formatLocation, type SourceFile, UnreadableSourceError } from "#src/producer/input/source.ts";
import { assertUnchanged, type ByteTap, fileBytes, openSource, readAt } from "#src/producer/input/source-bytes.ts";
import { toJsonRecord, UNDECODABLE } from "./parquet-values.ts";

/** Uncompressed bytes decoded at once: what one slice of a row group may hold in memory. */
const SLICE_BYTES = 16 * 1024 * 1024;
/** Compressed bytes of one column of one row group; all of them are read to reach a slice of it. */
const MAX_COLUMN_CHUNK_BYTES = 512 * 1024 * 1024;

/** What the format may use beyond snappy, from Node's own zlib. */
const COMPRESSORS: Compressors = {
  GZIP: (input) => gunzipSync(input),
  BROTLI: (input) => brotliDecompressSync(input),
  ZSTD: (input) => zstdDecompressSync(input),
};

/**
 * Reads the records of a Parquet file, one slice of a row group at a time; a record's line is its number in the
 * file, from 1. Throws `UnreadableSource` for a file that is not Parquet or uses what we cannot decode.
 */
export async function* readParquet(
  file: SourceFile,
  tap: ByteTap,
  context: RecordContext,
): AsyncGenerator<readonly Finding[]> {
  // Parquet is read here and there; the tap is owed every byte in order, so that the hash is of the file.
  for await (const _ of fileBytes(file, tap));
  await using handle = await openSource(file);
  const before = await handle.stat({ bigint: true });
  const buffer = asyncBuffer(handle, Number(before.size));
  const metadata = await readMetadata(buffer);
  let firstRecord = 0;
  for (const group of metadata.row_groups) {
    const rows = Number(group.num_rows);
    for await (const slice of readGroup(buffer, metadata, group, firstRecord)) {
      yield slice.records.map((record, at) => parseNumberedRecord(record, slice.firstRecord + at + 1, context));
    }
    firstRecord += rows;
  }
  await assertUnchanged(handle, before);
}

interface Slice {
  readonly firstRecord: number;
  readonly records: readonly Record<string, unknown>[];
}

async function* readGroup(
  file: AsyncBuffer,
  metadata: FileMetaData,
  group: RowGroup,
  firstRecord: number,
): AsyncGenerator<Slice> {
  const { parquetReadObjects } = await import("hyparquet");
  const rows = Number(group.num_rows);
  const sliceRecords = computeSliceRows(group, rows);
  for (let at = 0; at < rows; at += sliceRecords) {
    const rowStart = firstRecord + at;
    const rowEnd = firstRecord + Math.min(at + sliceRecords, rows);
    const records = await wrapParquetErrors(() =>
      parquetReadObjects({
        file,
        metadata,
        rowStart,
        rowEnd,
        compressors: COMPRESSORS,
        useOffsetIndex: true,
        geoparquet: false,
        parsers: { stringFromBytes: decodeString },
      }),
    );
    yield { firstRecord: rowStart, records };
  }
}

function computeSliceRows(group: RowGroup, rows: number): number {
  let bytes = 0;
  for (const { meta_data: column } of group.columns) {
    if (column === undefined) continue;
    bytes += Number(column.total_uncompressed_size);
    if (Number(column.total_compressed_size) > MAX_COLUMN_CHUNK_BYTES) {
      const megabytes = MAX_COLUMN_CHUNK_BYTES / 1024 / 1024;
      throw new UnreadableSourceError(
        `a row group's column is larger than ${megabytes} MB; write the file again with smaller row groups`,
      );
    }
  }
  return Math.max(1, Math.ceil(rows / Math.max(1, Math.ceil(bytes / SLICE_BYTES))));
}

async function readMetadata(file: AsyncBuffer): Promise<FileMetaData> {
  const { parquetMetadataAsync } = await import("hyparquet");
  const metadata = await wrapParquetErrors(() => parquetMetadataAsync(file, { geoparquet: false }));
  if (metadata.schema.some((element) => element.name === "__proto__")) throw new UnreadableSourceError(PROTO_KEY_FAULT);
  return metadata;
}

/** The library's messages name sizes, codecs and columns, never values; they are worth showing. */
async function wrapParquetErrors<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof UnreadableSourceError) throw error;
    const reason = error instanceof Error ? error.message : "unknown reason";
    throw new UnreadableSourceError(`cannot be read as Parquet: ${reason}`);
  }
}

function parseNumberedRecord(record: Record<string, unknown>, number: number, context: RecordContext): Finding {
  const problem = (message: string): Finding => ({
    problem: { where: formatLocation(context.displayPath, number), message },
  });
  const plain = toJsonRecord(record, context.idField);
  if (plain === UNDECODABLE) return problem("invalid UTF-8 in a string");
  if (hasProtoKey(plain)) return problem(PROTO_KEY_FAULT);
  return parseRecord(plain, number, context);
}

const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A string that is not UTF-8 must not fail its whole row group, so it is marked and its record refused. */
function decodeString(bytes: Uint8Array | undefined): string | undefined | typeof UNDECODABLE {
  if (bytes === undefined || bytes === null) return undefined;
  try {
    return DECODER.decode(bytes);
  } catch {
    return UNDECODABLE;
  }
}

function asyncBuffer(handle: FileHandle, byteLength: number): AsyncBuffer {
  return {
    byteLength,
    async slice(start, end = byteLength) {
      const from = start < 0 ? byteLength + start : start;
      const bytes = await readAt(handle, from, Math.max(0, end - from));
      return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
    },
  };
}
