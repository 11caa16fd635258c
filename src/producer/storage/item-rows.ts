import type { DatabaseSync, SQLInputValue, SQLOutputValue } from "node:sqlite";
import { parseExactJson } from "#src/core/exact-json.ts";
import type { Item } from "#src/core/item.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";

/** The values of the selected columns of a row, in order. */
export type Row = readonly SQLOutputValue[];

/** Prepares a query that returns arrays, which need a fraction of the memory and time of objects. */
export function prepareRows(database: DatabaseSync, sql: string): (...parameters: readonly SQLInputValue[]) => Row[] {
  const query = database.prepare(sql);
  query.setReturnArrays(true);
  return (...parameters) => query.all(...parameters) as unknown as Row[];
}

/** The columns that `toItem` needs, of the tables of `ITEM_SOURCE`. They must be the first ones of a query. */
export const SELECTED_ITEM_COLUMNS =
  'i."index", i.id, coalesce(i.text, original.text) AS text, i.tokens AS estimated_tokens, i.metadata, i.duplicate_of';
export const ITEM_SOURCE = 'items i LEFT JOIN items original ON original."index" = i.duplicate_of';

export type ItemRow = readonly [
  index: number,
  id: string,
  text: string,
  tokens: number,
  metadata: string | null,
  duplicateOf: number | null,
];

/** Properties without a value are absent. */
export function toItem(row: Row): Item {
  // Not validated, because a schema would double the cost of reading millions of rows whose columns have these types.
  const [index, id, text, tokens, metadata, duplicateOf] = row as unknown as ItemRow;
  const item = { index, id, text, tokens };
  if (metadata === null && duplicateOf === null) return item;
  return omitUndefined({
    ...item,
    metadata: metadata === null ? undefined : (parseExactJson(metadata) as Item["metadata"]),
    duplicateOf: duplicateOf ?? undefined,
  });
}
