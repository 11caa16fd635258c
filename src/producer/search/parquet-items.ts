import { parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { openSlices } from "./file-slices.ts";
import type { ResultItem } from "./result.ts";

export interface ParquetItems {
  readonly count: number;
  /** Items from index `from` on, a row group at a time; without their texts and metadata unless asked for. */
  read(from: number, options: { readonly texts: boolean }): AsyncGenerator<readonly ResultItem[]>;
}

const COLUMNS = ["id", "index", "status", "tokens", "attempts"];

/** Opens the items of a `records.parquet`, without its vectors. Holds the file's footer, not the file. */
export async function openParquetItems(path: string): Promise<ParquetItems> {
  await using footer = await openSlices(path);
  const metadata = await parquetMetadataAsync(footer);
  const present = new Set(metadata.schema.map(({ name }) => name));
  return {
    count: Number(metadata.num_rows),
    async *read(from, { texts }) {
      await using file = await openSlices(path);
      const columns = [...COLUMNS, ...(texts ? ["text", "metadata"] : [])].filter((name) => present.has(name));
      let rowEnd = 0;
      for (const group of metadata.row_groups) {
        const rowStart = Math.max(from, rowEnd);
        rowEnd += Number(group.num_rows);
        if (rowStart >= rowEnd) continue;
        const rows = await parquetReadObjects({ file, metadata, columns, rowStart, rowEnd });
        yield rows.map(({ text, metadata: data, ...item }) => ({
          ...(item as Omit<ResultItem, "text" | "metadata">),
          ...(typeof text === "string" ? { text } : {}),
          ...(data === undefined || data === null ? {} : { metadata: data }),
        }));
      }
    },
  };
}
