import type { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers/promises";
import { RunError } from "#src/core/failures/errors.ts";
import { type Disk, systemDisk } from "./disk.ts";
import { DuplicateLookup, deleteIncompleteOriginals } from "./duplicate-lookup.ts";
import { prepareRows } from "./item-rows.ts";
import { damagedRunDatabase, openRunDatabase, toRunDatabaseError } from "./run-database.ts";
import { RunStore } from "./run-store.ts";
import { ANSWER_INDEXES } from "./schema.ts";
import { StoreState } from "./store-state.ts";
import type { VectorFile } from "./vectors/vector-file.ts";
import { openVectors, type VectorOptions } from "./vectors/vector-properties.ts";

export interface RunStoreOptions {
  /** Items of the run; opening a store with another number of items fails. */
  readonly items: number;
  /** Returns epoch ms, for the times of records. */
  readonly now: () => number;
  /** Absent for a run whose results are JSON. */
  readonly vectors?: VectorOptions;
  readonly disk?: Disk;
}

const ROWS_PER_READ = 20_000;

/**
 * Opens the store of the planned run in `dir`. It contains all records that were durable; records that a kill or power
 * failure left incomplete are missing. Only one process at a time may open a store. Rejects with a RunError.
 */
export async function openRunStore(dir: string, options: RunStoreOptions): Promise<RunStore> {
  const { disk = systemDisk, items, now } = options;
  const { database, note } = openRunDatabase(dir);
  let vectors: VectorFile | undefined;
  try {
    requireItemCount(database, dir, items);
    if (!options.vectors) database.exec(ANSWER_INDEXES);
    const opened = options.vectors && (await openVectors(database, dir, { disk, items, ...options.vectors }));
    vectors = opened?.file;
    deleteIncompleteOriginals(database);
    const notes = [note, opened?.note].filter((text) => text !== undefined);
    const duplicates = new DuplicateLookup(database);
    const state = await readState(database, dir, duplicates, items);
    return new RunStore({ dir, disk, database, vectors, now, notes, duplicates, state });
  } catch (error) {
    await vectors?.close().catch(() => undefined);
    database.close();
    throw toRunDatabaseError(error, dir);
  }
}

function requireItemCount(database: DatabaseSync, dir: string, items: number): void {
  const row = database.prepare('SELECT coalesce(max("index") + 1, 0) AS items FROM items').get();
  if (row?.items === items) return;
  throw new RunError(
    `${dir} belongs to a run of ${row?.items} items, but this run has ${items}`,
    "Use another output folder.",
  );
}

/** Reads in steps, so that a run of millions of items keeps its lease meanwhile. */
async function readState(
  database: DatabaseSync,
  dir: string,
  duplicates: DuplicateLookup,
  items: number,
): Promise<StoreState> {
  const state = new StoreState(items);
  const query = prepareRows(
    database,
    `
    SELECT "index", status = 'ok' AS is_ok, attempts, tokens, output_tokens FROM records
    WHERE "index" >= ? ORDER BY "index" LIMIT ${ROWS_PER_READ}`,
  );
  for (let next = 0; ; ) {
    // Not validated, because a schema would double the cost of opening a run of millions of items.
    const rows = query(next) as readonly (readonly number[])[];
    for (const [index = 0, isOk, attempts = 0, tokens = 0, outputTokens = 0] of rows) {
      // A changed byte that puts an index out of order would make this loop read the same rows forever.
      if (index < next || index >= items) throw damagedRunDatabase(dir);
      state.markDurable(index);
      const status = isOk === 1 ? "ok" : "failed";
      state.add({ status, attempts, tokens, outputTokens, count: 1, isDuplicate: duplicates.has(index) });
      next = index + 1;
    }
    if (rows.length < ROWS_PER_READ) return state;
    await setImmediate();
  }
}
