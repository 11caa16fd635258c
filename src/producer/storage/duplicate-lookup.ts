import type { DatabaseSync, StatementSync } from "node:sqlite";

/** Finds the items of a run that equal an earlier item; they get their record together with that item. */
export class DuplicateLookup {
  readonly count: number;
  readonly #select: StatementSync;
  readonly #isDuplicate: Uint8Array;

  /** Keeps one bit per item in memory, if there are duplicates. */
  constructor(database: DatabaseSync) {
    const found = database.prepare(
      'SELECT count(*) AS count, coalesce(max("index"), -1) AS last FROM items WHERE duplicate_of IS NOT NULL',
    );
    const { count, last } = found.get() ?? {};
    this.count = Number(count);
    this.#isDuplicate = new Uint8Array((Number(last) >> 3) + 1);
    this.#select = database.prepare('SELECT "index" FROM items WHERE duplicate_of = ?');
    if (this.count === 0) return;
    for (const row of database.prepare('SELECT "index" FROM items WHERE duplicate_of IS NOT NULL').iterate()) {
      const index = Number(row.index);
      this.#isDuplicate[index >> 3] = (this.#isDuplicate[index >> 3] ?? 0) | (1 << (index & 7));
    }
  }

  has(index: number): boolean {
    return ((this.#isDuplicate[index >> 3] ?? 0) & (1 << (index & 7))) !== 0;
  }

  /** Returns the duplicates of an item. */
  of(original: number): number[] {
    if (this.count === 0) return [];
    return this.#select.all(original).map((row) => Number(row.index));
  }
}

/**
 * Deletes the record of each original that has a duplicate without a record, because the duplicate's was damaged or lost:
 * only originals are requested, and duplicates get their record from them.
 */
export function deleteIncompleteOriginals(database: DatabaseSync): void {
  database.exec(`
    DELETE FROM records WHERE "index" IN (
      SELECT duplicate_of FROM items WHERE duplicate_of IS NOT NULL AND "index" NOT IN (SELECT "index" FROM records)
    )`);
}
