import { type ParquetParsers, type ParquetRow, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { parseExactJson } from "#src/core/exact-json.ts";
import { openSlices } from "./file-slices.ts";
import type { ResultItem } from "./result.ts";

export interface ParquetItems {
  readonly count: number;
  /** Reads items from index `from` on, one row group at a time; with text and metadata only on request. */
  read(from: number, options: { readonly texts: boolean }): AsyncGenerator<readonly ResultItem[]>;
}

const ITEM_COLUMNS_WITHOUT_TEXT = ["id", "index", "status", "tokens", "attempts"];
/** Keeps the digits of numbers in metadata. */
export const EXACT_PARSERS: Partial<ParquetParsers> = {
  jsonFromBytes: (bytes) => bytes && parseExactJson(Buffer.from(bytes).toString("utf8")),
};

export const ITEM_COLUMNS = [...ITEM_COLUMNS_WITHOUT_TEXT, "text", "metadata"];

/** Opens the items of `records.parquet` without the vectors. Keeps only the footer of the file in memory. */
export async function openParquetItems(path: string): Promise<ParquetItems> {
  await using footer = await openSlices(path);
  const metadata = await parquetMetadataAsync(footer);
  const present = new Set(metadata.schema.map(({ name }) => name));
  return {
    count: Number(metadata.num_rows),
    async *read(from, { texts }) {
      await using file = await openSlices(path);
      const columns = (texts ? ITEM_COLUMNS : ITEM_COLUMNS_WITHOUT_TEXT).filter((name) => present.has(name));
      let rowEnd = 0;
      for (const group of metadata.row_groups) {
        const rowStart = Math.max(from, rowEnd);
        rowEnd += Number(group.num_rows);
        if (rowStart >= rowEnd) continue;
        const rows = await parquetReadObjects({ file, metadata, columns, rowStart, rowEnd, parsers: EXACT_PARSERS });
        yield rows.map(toResultItem);
      }
    },
  };
}

/** Converts a row, whose null metadata becomes undefined. The columns are those of a file that a run wrote. */
export function toResultItem({ id, index, status, tokens, attempts, text, metadata }: ParquetRow): ResultItem {
  return { id, index, status, tokens, attempts, text, metadata: metadata ?? undefined };
}
