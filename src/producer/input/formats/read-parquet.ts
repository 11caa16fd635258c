import type { FileHandle } from "node:fs/promises";
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import type { AsyncBuffer, CompressionCodec, Compressors, RowGroup, SchemaTree } from "hyparquet";
import { INPUT_PROBLEMS } from "#src/producer/input/problems.ts";
import {
  findMissingMetadata,
  hasProtoKey,
  isIllFormed,
  parseRecord,
  type RecordContext,
} from "#src/producer/input/record-fields.ts";
import { type Finding, formatLocation, type SourceFile, UnreadableSourceError } from "#src/producer/input/source.ts";
import { assertUnchanged, type ByteTap, openSource, readAt, readFileBytes } from "#src/producer/input/source-bytes.ts";
import { computeSliceStarts, findPages, type ParquetPage } from "./parquet-pages.ts";
import { countRepetitions, type ParquetSelection, selectColumns } from "./parquet-schema.ts";
import { PARQUET_PARSERS, toJsonRecord } from "./parquet-values.ts";

/** Maximum compressed bytes of pages that have to be read together. */
const MAX_PAGE_BYTES = 512 * 1024 * 1024;
/** Rows converted to JSON values at once. */
const CONVERTED_ROWS = 512;

/**
 * Reads the records of a Parquet file, some pages of a row group at a time. The line of a record is its number in the
 * file, from 1. Throws `UnreadableSourceError` for a file that is not Parquet or uses an unsupported feature.
 */
export async function* readParquet(
  file: SourceFile,
  tap: ByteTap,
  context: RecordContext,
): AsyncGenerator<readonly Finding[]> {
  // Parquet is read in random order, but the tap must receive every byte in order to hash the file.
  for await (const _ of readFileBytes(file, tap)) yield [];
  await using handle = await openSource(file.path);
  const before = await handle.stat({ bigint: true });
  const buffer = createAsyncBuffer(handle, Number(before.size));
  const selection = await readSelection(buffer, context);
  const missing = findMissingMetadata(selection.names, context);
  if (missing) yield [missing];
  if (selection.omitted.length > 0) yield [{ note: INPUT_PROBLEMS.bytesOmitted(file.displayPath, selection.omitted) }];
  let firstRecord = 0;
  for (const [index, group] of selection.metadata.row_groups.entries()) {
    for await (const { firstRecord: first, records } of readGroup(buffer, selection, { index, group, firstRecord })) {
      yield records.map((record, at) => parseNumberedRecord(record, first + at + 1, context));
    }
    firstRecord += Number(group.num_rows);
  }
  await assertUnchanged(handle, before);
}

interface Slice {
  readonly firstRecord: number;
  /** Records as JSON values; undefined for one with a string that is not UTF-8. */
  readonly records: readonly (Record<string, unknown> | undefined)[];
}

interface LocatedGroup {
  readonly index: number;
  readonly group: RowGroup;
  readonly firstRecord: number;
}

async function* readGroup(
  file: AsyncBuffer,
  { metadata, columns }: ParquetSelection,
  { index, group, firstRecord }: LocatedGroup,
): AsyncGenerator<Slice> {
  const { parquetReadObjects, snappyUncompress } = await import("hyparquet");
  const compressors = await loadCompressors();
  const decompress: Decompress = (codec, input, length) => {
    if (codec === "UNCOMPRESSED") return input;
    const output = compressors[codec]?.(input, length) ?? new Uint8Array(length);
    // The library's Snappy needs less memory than the package's.
    if (codec === "SNAPPY") snappyUncompress(input, output);
    return output;
  };
  const pages = await wrapParquetErrors(() => findGroupPages(file, group, columns, decompress));
  // Only the entry of the group that is read is used.
  const pageLocationsByGroup = { [index]: Object.fromEntries(pages) };
  const starts = computeSliceStarts(group, pages);
  for (const [at, start] of starts.entries()) {
    const rowStart = firstRecord + start;
    const rowEnd = firstRecord + (starts[at + 1] ?? Number(group.num_rows));
    const options = { file, metadata, rowStart, rowEnd, compressors, pageLocationsByGroup };
    const records = await wrapParquetErrors(() =>
      parquetReadObjects({
        ...options,
        useOffsetIndex: true,
        geoparquet: false,
        utf8: false,
        parsers: PARQUET_PARSERS,
      }),
    );
    // Records refer to the memory of their pages, so none may be left when the next pages are decoded.
    for (let first = rowStart; records.length > 0; first += CONVERTED_ROWS) {
      yield {
        firstRecord: first,
        records: records.splice(0, CONVERTED_ROWS).map((record) => toJsonRecord(record, columns)),
      };
    }
  }
}

type Decompress = (codec: CompressionCodec, input: Uint8Array, length: number) => Uint8Array;

/** Finds the pages of each column of a group by its path, with dots. */
async function findGroupPages(
  file: AsyncBuffer,
  group: RowGroup,
  columns: readonly SchemaTree[],
  decompress: Decompress,
): Promise<Map<string, ParquetPage[]>> {
  const found = new Map<string, ParquetPage[]>();
  for (const { meta_data: column } of group.columns) {
    if (column === undefined) continue;
    const pages = await findPages({
      file,
      column,
      maxRepetition: countRepetitions(columns, column.path_in_schema),
      decompress: (input, length) => decompress(column.codec, input, length),
    });
    if (pages.some((page) => page.compressed_page_size > MAX_PAGE_BYTES))
      throw new UnreadableSourceError(INPUT_PROBLEMS.columnTooLarge(MAX_PAGE_BYTES / 1024 / 1024));
    if (pages.length > 0) found.set(column.path_in_schema.join("."), pages);
  }
  return found;
}

async function loadCompressors(): Promise<Compressors> {
  const { compressors } = await import("hyparquet-compressors");
  // Node's own are faster.
  return {
    LZ4: compressors.LZ4,
    LZ4_RAW: compressors.LZ4_RAW,
    GZIP: (input) => gunzipSync(input),
    BROTLI: (input) => brotliDecompressSync(input),
    ZSTD: (input) => zstdDecompressSync(input),
  };
}

async function readSelection(
  file: AsyncBuffer,
  { idField, textField, metadataFields }: RecordContext,
): Promise<ParquetSelection & { readonly names: readonly string[] }> {
  const { parquetMetadataAsync, parquetSchema } = await import("hyparquet");
  return await wrapParquetErrors(async () => {
    const metadata = await parquetMetadataAsync(file, { geoparquet: false });
    if (metadata.schema.some(({ name }) => name === "__proto__"))
      throw new UnreadableSourceError(INPUT_PROBLEMS.protoKey);
    const root = parquetSchema(metadata);
    const names = root.children.map(({ element }) => element.name);
    // Its fields become metadata too, and what it contains is not known without reading it.
    const needsNested = metadataFields?.some((name) => !names.includes(name));
    const textColumns = textField === undefined ? [idField] : [idField, textField];
    const wanted = new Set([...textColumns, ...(metadataFields ?? names), ...(needsNested ? ["metadata"] : [])]);
    const selected = selectColumns(metadata, root, {
      // The problem of a missing text field lists all columns.
      isWanted: (name) => wanted.has(name) || (textField !== undefined && !names.includes(textField)),
      textColumns,
    });
    return { ...selected, names };
  });
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

function parseNumberedRecord(
  plain: Record<string, unknown> | undefined,
  number: number,
  context: RecordContext,
): Finding {
  const toProblem = (message: string): Finding => ({
    problem: { where: formatLocation(context.displayPath, number), message },
  });
  if (plain === undefined) return toProblem(INPUT_PROBLEMS.stringInvalidUtf8);
  if (hasProtoKey(plain)) return toProblem(INPUT_PROBLEMS.protoKey);
  // Strings are valid UTF-8, but those in JSON columns may contain escapes.
  return parseRecord(plain, number, context, isIllFormed(plain));
}

function createAsyncBuffer(handle: FileHandle, byteLength: number): AsyncBuffer {
  return {
    byteLength,
    async slice(start, end = byteLength) {
      const from = start < 0 ? byteLength + start : start;
      const bytes = await readAt(handle, from, Math.max(0, end - from));
      // A copy only if the file has become shorter.
      const isWhole = bytes.byteOffset === 0 && bytes.byteLength === bytes.buffer.byteLength;
      return isWhole ? bytes.buffer : bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    },
  };
}
