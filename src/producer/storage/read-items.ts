import type { Item } from "#src/core/item.ts";
import { ITEM_SOURCE, prepareRows, SELECTED_ITEM_COLUMNS, toItem } from "./item-rows.ts";
import { damagedRunDatabase, openRunDatabaseReader, toRunDatabaseError } from "./run-database.ts";

/** Items per query; about 1 ms each. */
const ITEMS_PER_QUERY = 500;

/**
 * Reads the planned items of the run in `dir` from index `from` on, in groups. Any number of readers may read at once, also
 * while the coordinator writes. Rejects with a RunError when the database is missing or damaged.
 */
export async function* readItems(
  dir: string,
  { from = 0, signal }: { readonly from?: number; readonly signal?: AbortSignal } = {},
): AsyncGenerator<Item[]> {
  const database = openRunDatabaseReader(dir);
  try {
    const query = prepareRows(
      database,
      `SELECT ${SELECTED_ITEM_COLUMNS} FROM ${ITEM_SOURCE} WHERE i."index" >= ? ORDER BY i."index" LIMIT ${ITEMS_PER_QUERY}`,
    );
    for (let next = from; ; ) {
      signal?.throwIfAborted();
      const items = query(next).map(toItem);
      if (items.length === 0) return;
      // The database doesn't notice every changed byte. With an index out of order, this loop would read the same rows forever.
      const isConsecutive = items.every(({ index }, i) => index === next + i);
      if (!isConsecutive) throw damagedRunDatabase(dir);
      yield items;
      next += items.length;
    }
  } catch (error) {
    throw error === signal?.reason ? error : toRunDatabaseError(error, dir);
  } finally {
    database.close();
  }
}
