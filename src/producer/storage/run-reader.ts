import { join } from "node:path";
import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import * as z from "zod";
import type { Item } from "#src/core/item.ts";
import { createVectorLayout } from "#src/producer/output/vector-layout.ts";
import type { RecordCall } from "#src/state/record-format/record-codec.ts";
import { systemDisk } from "./disk.ts";
import { ITEM_SOURCE, prepareRows, type Row, SELECTED_ITEM_COLUMNS, toItem } from "./item-rows.ts";
import { readProperty } from "./properties.ts";
import { openRunDatabaseReader, toRunDatabaseError } from "./run-database.ts";
import { RECORD_COLUMNS, type StoredRecord, toStoredRecord } from "./stored-record.ts";
import { computeVectorChecksum, VECTOR_FILE } from "./vectors/vector-file.ts";
import { WORK_FOLDER } from "./work-folder.ts";

/** An item, and its record once it has one. */
export interface ItemWithRecord {
  readonly item: Item;
  readonly record: StoredRecord | undefined;
  /** The call that gave the record, if it is known. */
  readonly call: RecordCall | undefined;
}

const SELECT_ITEMS = `
  SELECT ${SELECTED_ITEM_COLUMNS}, ${RECORD_COLUMNS}, l.name AS lane, r.started_at, r.duration_ms
  FROM ${ITEM_SOURCE} LEFT JOIN records r ON r."index" = i."index" LEFT JOIN lanes l ON l.lane = r.lane`;

/**
 * Reads items and records of a run, while its coordinator may be writing. Close it after use. Methods throw a RunError for a
 * damaged database.
 */
export class RunReader {
  readonly database: DatabaseSync;
  readonly #dir: string;

  /** Throws a RunError when the database is missing, damaged, or of a newer version. */
  constructor(dir: string) {
    this.#dir = dir;
    this.database = openRunDatabaseReader(dir);
  }

  /** Reads at most `count` items from index `from` on, in order. */
  read(from: number, count: number): ItemWithRecord[] {
    return this.#select('WHERE i."index" >= ? ORDER BY i."index" LIMIT ?', from, count);
  }

  /** Reads the items with these indices, in this order. */
  readMany(indices: readonly number[]): ItemWithRecord[] {
    const rows = this.#select('WHERE i."index" IN (SELECT value FROM json_each(?))', JSON.stringify(indices));
    const found = new Map(rows.map((row) => [row.item.index, row]));
    return indices.flatMap((index) => found.get(index) ?? []);
  }

  find(index: number): ItemWithRecord | undefined {
    return this.#select('WHERE i."index" = ?', index)[0];
  }

  /** The items whose results were stored last, in the order in which their calls ended. */
  listLatest(count: number): ItemWithRecord[] {
    // Of the other records, no texts and answers are read.
    const latest = `SELECT "index" FROM records WHERE status = 'ok' AND attempts > 0 ORDER BY recorded_at DESC LIMIT ?`;
    return this.#select(
      `WHERE i."index" IN (${latest}) ORDER BY coalesce(r.started_at + r.duration_ms, r.recorded_at)`,
      count,
    );
  }

  /** The vector of an item; undefined if it has none, or if the file does not contain it any more. */
  async readVector({ index, status, checksum }: StoredRecord): Promise<Float32Array | undefined> {
    const dimensions = readProperty(this.database, "dimensions", z.int().positive());
    const layout = readProperty(this.database, "layout", z.enum(["flat", "pages"]));
    if (status !== "ok" || dimensions === undefined || layout === undefined) return undefined;
    const items = Number(this.database.prepare('SELECT max("index") + 1 AS items FROM items').get()?.items);
    const file = await systemDisk.openExisting(join(this.#dir, WORK_FOLDER, VECTOR_FILE));
    if (!file) return undefined;
    try {
      const bytes = new Uint8Array(dimensions * 4);
      await file.read(bytes, createVectorLayout({ items, dimensions, layout }).position(index));
      return computeVectorChecksum(bytes) === checksum ? new Float32Array(bytes.buffer) : undefined;
    } finally {
      await file.close();
    }
  }

  close(): void {
    this.database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #select(rest: string, ...parameters: readonly SQLInputValue[]): ItemWithRecord[] {
    try {
      const query = prepareRows(this.database, `${SELECT_ITEMS} ${rest}`);
      return query(...parameters).map(toItemWithRecord);
    } catch (error) {
      throw toRunDatabaseError(error, this.#dir);
    }
  }
}

function toItemWithRecord(row: Row): ItemWithRecord {
  const [lane, startedAt, durationMs] = row.slice(-3);
  const hasCall = typeof lane === "string" && typeof startedAt === "number" && typeof durationMs === "number";
  return {
    item: toItem(row),
    record: toStoredRecord(row),
    call: hasCall ? { lane, startedAt, durationMs } : undefined,
  };
}
