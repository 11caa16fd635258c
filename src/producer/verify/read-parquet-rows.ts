import { crc32 } from "node:zlib";
import {
  type AsyncBuffer,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  type RowGroup,
} from "hyparquet";
import * as z from "zod";
import { computeFieldsChecksum, computeTextDigest } from "#src/producer/output/digests/row-digest.ts";
import { rowMetadata } from "#src/producer/output/line-metadata.ts";
import { VECTOR_COLUMN } from "#src/producer/output/parquet/vector-column.ts";
import { openSlices } from "#src/producer/search/file-slices.ts";
import { EXACT_PARSERS, ITEM_COLUMNS } from "#src/producer/search/parquet-items.ts";
import { readVectorColumn } from "#src/producer/search/read-vector-column.ts";
import { type FoundRow, type FoundRows, NO_RESULT } from "./found-row.ts";

const row = z.object({
  id: z.string(),
  index: z.int(),
  status: z.string(),
  tokens: z.number(),
  attempts: z.number(),
  text: z.string().nullish(),
  metadata: rowMetadata.nullish(),
});

/** The vector of a row of a row group; undefined if it is null. */
type VectorOf = (row: number) => Float32Array | undefined;

/** Yields the records of a Parquet file, one row group at a time. Throws if the file cannot be read. */
export async function* readParquetRows(path: string, dimensions: number): AsyncGenerator<FoundRows> {
  await using file = await openSlices(path);
  const metadata = await parquetMetadataAsync(file);
  const present = new Set(metadata.schema.map(({ name }) => name));
  const columns = ITEM_COLUMNS.filter((name) => present.has(name));
  let start = 0;
  for (const group of metadata.row_groups) {
    const rows = Number(group.num_rows);
    // A damaged number must not fill the memory.
    if (rows * Math.max(dimensions * 4, 1) > 2 * file.byteLength)
      throw new Error("a row group is larger than the file");
    const range = { rowStart: start, rowEnd: start + rows };
    const records = await parquetReadObjects({ file, metadata, columns, ...range, parsers: EXACT_PARSERS });
    if (records.length !== rows) throw new Error("a row group has fewer rows than it states");
    const vectorOf = await readVectors(file, metadata, group, { ...range, dimensions, records });
    yield { rows: records.map((record, i) => toFoundRow(record, vectorOf(i))), end: findEnd(group) };
    start += rows;
  }
}

/** The position behind the columns of a row group. */
function findEnd({ columns }: RowGroup): number {
  const ends = columns.map(({ meta_data: column }) =>
    column ? Number((column.dictionary_page_offset ?? column.data_page_offset) + column.total_compressed_size) : 0,
  );
  return Math.max(0, ...ends);
}

interface GroupRange {
  readonly rowStart: number;
  readonly rowEnd: number;
  readonly dimensions: number;
  readonly records: readonly Record<string, unknown>[];
}

/** Vectors in the form that a run writes are read fast, those of another writer in the general way. */
async function readVectors(
  file: AsyncBuffer,
  metadata: FileMetaData,
  group: RowGroup,
  { rowStart, rowEnd, dimensions, records }: GroupRange,
): Promise<VectorOf> {
  const isFailed = (i: number) => records[i]?.status !== "ok";
  try {
    const floats = await readVectorColumn(file, group, dimensions, async () => isFailed);
    return (i) => (isFailed(i) ? undefined : floats.subarray(i * dimensions, (i + 1) * dimensions));
  } catch {
    const rows = await parquetReadObjects({ file, metadata, columns: [VECTOR_COLUMN], rowStart, rowEnd });
    const vectors = rows.map(({ vector }) => (Array.isArray(vector) ? Float32Array.from(vector) : undefined));
    return (i) => vectors[i];
  }
}

function toFoundRow(values: Record<string, unknown>, vector: Float32Array | undefined): FoundRow {
  const parsed = row.safeParse(values);
  if (!parsed.success) return { error: "the row is not a record that a run writes" };
  const { id, index, status, text, tokens, attempts, metadata } = parsed.data;
  return {
    id,
    index,
    isOk: status === "ok",
    text: text === null || text === undefined ? undefined : computeTextDigest(text),
    fields: computeFieldsChecksum({ index, tokens, attempts, metadata: metadata ?? undefined }),
    // The result of a failed item is its line in errors.jsonl.
    result: vector ? checksum(vector) : status === "ok" ? NO_RESULT : undefined,
  };
}

function checksum({ buffer, byteOffset, byteLength }: Float32Array): number {
  return crc32(new Uint8Array(buffer, byteOffset, byteLength));
}
