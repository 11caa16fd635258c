import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { openSlices } from "./file-slices.ts";
import { EXACT_PARSERS, ITEM_COLUMNS, toResultItem } from "./parquet-items.ts";
import { readVectorColumn } from "./read-vector-column.ts";
import type { BlocksOptions, Result, ResultBlock, ResultItem } from "./result.ts";

/** Opens `records.parquet`; each row group is a block. */
export async function openParquetResult(path: string): Promise<Result> {
  await using file = await openSlices(path);
  const metadata = await parquetMetadataAsync(file);
  const keyValueMetadata = new Map(metadata.key_value_metadata?.map(({ key, value }) => [key, value]));
  const dimensions = Number(keyValueMetadata.get("sluice.dimensions") ?? 0);
  const model = keyValueMetadata.get("sluice.model");
  return {
    format: "parquet",
    dimensions,
    model,
    blocks: (options = {}) => readBlocks(path, metadata, dimensions, options),
    pick: (indices) => pickItems(path, metadata, indices),
  };
}

async function* readBlocks(
  path: string,
  metadata: FileMetaData,
  dimensions: number,
  options: BlocksOptions,
): AsyncGenerator<ResultBlock> {
  await using file = await openSlices(path);
  let start = 0;
  for (const group of metadata.row_groups) {
    options.signal?.throwIfAborted();
    const end = start + Number(group.num_rows);
    const readNulls = async () => {
      const rows = await parquetReadObjects({
        file,
        metadata,
        columns: ["status"],
        rowStart: start,
        rowEnd: end,
      });
      return (row: number) => rows[row]?.status !== "ok";
    };
    const vectors = await readVectorColumn(file, group, dimensions, readNulls);
    const items = options.vectorsOnly === true ? [] : await readItems(file, metadata, start, end);
    yield { start, count: end - start, vectors, items };
    start = end;
  }
}

async function readItems(
  file: AsyncBuffer,
  metadata: FileMetaData,
  rowStart: number,
  rowEnd: number,
): Promise<ResultItem[]> {
  const present = new Set(metadata.schema.map(({ name }) => name));
  const columns = ITEM_COLUMNS.filter((name) => present.has(name));
  const rows = await parquetReadObjects({
    file,
    metadata,
    columns,
    rowStart,
    rowEnd,
    useOffsetIndex: true,
    parsers: EXACT_PARSERS,
  });
  return rows.map(toResultItem);
}

async function pickItems(path: string, metadata: FileMetaData, indices: readonly number[]): Promise<ResultItem[]> {
  await using file = await openSlices(path);
  const picked: ResultItem[] = [];
  for (const index of indices) {
    if (index >= 0 && index < Number(metadata.num_rows)) {
      picked.push(...(await readItems(file, metadata, index, index + 1)));
    }
  }
  return picked;
}
