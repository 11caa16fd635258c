import type { SQLOutputValue } from "node:sqlite";
import { parseExactJson } from "#src/core/exact-json.ts";
import type { Item } from "#src/core/item.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";

/** A row that SQLite returned: a plain object of column values. */
export type Row = Readonly<Record<string, SQLOutputValue>>;

/** The columns that `toItem` needs, of the tables of `ITEM_SOURCE`. */
export const SELECTED_ITEM_COLUMNS =
  'i."index", i.id, coalesce(i.text, original.text) AS text, i.tokens AS estimated_tokens, i.metadata, i.duplicate_of';
export const ITEM_SOURCE = 'items i LEFT JOIN items original ON original."index" = i.duplicate_of';

interface ItemRow {
  readonly index: number;
  readonly id: string;
  readonly text: string;
  readonly estimated_tokens: number;
  readonly metadata: string | null;
  readonly duplicate_of: number | null;
}

/** Properties without a value are absent. */
export function toItem(row: Row): Item {
  // Not validated, because a schema would double the cost of reading millions of rows whose columns have these types.
  const { index, id, text, estimated_tokens: tokens, metadata, duplicate_of: duplicateOf } = row as unknown as ItemRow;
  const item = { index, id, text, tokens };
  if (metadata === null && duplicateOf === null) return item;
  return omitUndefined({
    ...item,
    metadata: metadata === null ? undefined : (parseExactJson(metadata) as Item["metadata"]),
    duplicateOf: duplicateOf ?? undefined,
  });
}
