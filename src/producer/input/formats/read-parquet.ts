import type { FileHandle } from "node:fs/promises";
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import type { AsyncBuffer, Compressors, FileMetaData, RowGroup } from "hyparquet";
import { INPUT_PROBLEMS } from "#src/producer/input/problems.ts";
import { hasProtoKey, isIllFormed, parseRecord, type RecordContext } from "#src/producer/input/record-fields.ts";
import { type Finding, formatLocation, type SourceFile, UnreadableSourceError } from "#src/producer/input/source.ts";
import { assertUnchanged, type ByteTap, openSource, readAt, readFileBytes } from "#src/producer/input/source-bytes.ts";
import { INVALID_STRING, toJsonRecord } from "./parquet-values.ts";

/** Uncompressed bytes decoded at once: the memory for one slice of a row group. */
const SLICE_BYTES = 16 * 1024 * 1024;
/** Maximum compressed bytes of a column chunk, which is read completely to decode a slice of it. */
const MAX_COLUMN_CHUNK_BYTES = 512 * 1024 * 1024;

/** Codecs beyond Snappy, from Node's zlib. */
const COMPRESSORS: Compressors = {
  GZIP: (input) => gunzipSync(input),
  BROTLI: (input) => brotliDecompressSync(input),
  ZSTD: (input) => zstdDecompressSync(input),
};

/**
 * Reads the records of a Parquet file, one slice of a row group at a time. The line of a record is its number in the
 * file, from 1. Throws `UnreadableSourceError` for a file that is not Parquet or uses an unsupported feature.
 */
export async function* readParquet(
  file: SourceFile,
  tap: ByteTap,
  context: RecordContext,
): AsyncGenerator<readonly Finding[]> {
  // Parquet is read in random order, but the tap must receive every byte in order to hash the file.
  for await (const _ of readFileBytes(file, tap));
  await using handle = await openSource(file.path);
  const before = await handle.stat({ bigint: true });
  const buffer = createAsyncBuffer(handle, Number(before.size));
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
      throw new UnreadableSourceError(INPUT_PROBLEMS.columnTooLarge(MAX_COLUMN_CHUNK_BYTES / 1024 / 1024));
    }
  }
  return Math.max(1, Math.ceil(rows / Math.max(1, Math.ceil(bytes / SLICE_BYTES))));
}

async function readMetadata(file: AsyncBuffer): Promise<FileMetaData> {
  const { parquetMetadataAsync } = await import("hyparquet");
  const metadata = await wrapParquetErrors(() => parquetMetadataAsync(file, { geoparquet: false }));
  if (metadata.schema.some(({ name }) => name === "__proto__"))
    throw new UnreadableSourceError(INPUT_PROBLEMS.protoKey);
  return metadata;
}

/** Shows the library's messages, which name sizes, codecs and columns but never values. */
async function wrapParquetErrors<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof UnreadableSourceError) throw error;
    const reason = error instanceof Error ? error.message : "unknown reason";
    throw new UnreadableSourceError(INPUT_PROBLEMS.parquetError(reason));
  }
}

function parseNumberedRecord(record: Record<string, unknown>, number: number, context: RecordContext): Finding {
  const toProblem = (message: string): Finding => ({
    problem: { where: formatLocation(context.displayPath, number), message },
  });
  const plain = toJsonRecord(record, context.idField);
  if (plain === INVALID_STRING) return toProblem(INPUT_PROBLEMS.stringInvalidUtf8);
  if (hasProtoKey(plain)) return toProblem(INPUT_PROBLEMS.protoKey);
  // Strings are valid UTF-8, but those in JSON columns may contain escapes.
  return parseRecord(plain, number, context, isIllFormed(plain));
}

const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Marks a string that is not UTF-8, so that only its record is rejected instead of the whole row group. */
function decodeString(bytes: Uint8Array | undefined): string | undefined | typeof INVALID_STRING {
  if (bytes === undefined || bytes === null) return undefined;
  try {
    return DECODER.decode(bytes);
  } catch {
    return INVALID_STRING;
  }
}

function createAsyncBuffer(handle: FileHandle, byteLength: number): AsyncBuffer {
  return {
    byteLength,
    async slice(start, end = byteLength) {
      const from = start < 0 ? byteLength + start : start;
      const bytes = await readAt(handle, from, Math.max(0, end - from));
      return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
    },
  };
}
