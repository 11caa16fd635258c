import { open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { openDatabase } from "#src/sqlite/open-database.ts";
import { type Disk, systemDisk } from "./disk.ts";
import { getRunDatabasePath } from "./run-database.ts";
import {
  ITEM_INDEXES,
  ITEM_TABLES,
  RECORD_TABLES,
  RUN_APPLICATION_ID,
  RUN_DATABASE,
  SCHEMA_VERSION,
} from "./schema.ts";

/** An item before it has an index. Its index is the number of items before it. */
export interface NewRunItem {
  readonly id: string;
  readonly text: string;
  /** Estimated. */
  readonly tokens: number;
  /** Line of the source file that the item comes from, for messages; absent for chunks of documents. */
  readonly line?: number;
  /** JSON. */
  readonly metadata?: string;
  /** See `Item`. The text of a duplicate is not stored, because it is that of its original. */
  readonly duplicateOf?: number;
}

/** Larger pages hold more short texts each, and fewer texts need overflow pages. */
const PAGE_BYTES = 8_192;
const ITEMS_PER_TRANSACTION = 20_000;

const getPartialPath = (dir: string) => join(dir, `${RUN_DATABASE}.partial`);

/** Removes what a killed `ItemWriter` has left in a folder. */
export async function removePartialDatabase(dir: string): Promise<void> {
  // SQLite creates files beside it.
  for (const suffix of ["", "-wal", "-shm"]) await rm(`${getPartialPath(dir)}${suffix}`, { force: true });
}

/**
 * Writes the items of a plan to a new database. Until `commit` it has a temporary name that no reader opens; a killed
 * process leaves at most this file, and the next plan overwrites it. Methods throw errors of SQLite.
 */
export class ItemWriter {
  readonly #dir: string;
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #select: StatementSync;
  #items = 0;

  private constructor(dir: string, path: string, database: DatabaseSync) {
    this.#dir = dir;
    this.#path = path;
    this.#database = database;
    this.#insert = database.prepare("INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?)");
    this.#select = database.prepare('SELECT id, line FROM items WHERE "index" = ?');
  }

  /** Creates the database in an existing folder. */
  static async create(dir: string): Promise<ItemWriter> {
    await removePartialDatabase(dir);
    const path = getPartialPath(dir);
    const options = { synchronous: "normal", applicationId: RUN_APPLICATION_ID, pageSize: PAGE_BYTES } as const;
    const { database } = openDatabase(path, options);
    // Nothing of an incomplete plan is ever read, so it needs neither a journal nor syncs.
    database.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE");
    database.exec(`${ITEM_TABLES} ${RECORD_TABLES} PRAGMA user_version = ${SCHEMA_VERSION}; BEGIN`);
    return new ItemWriter(dir, path, database);
  }

  get items(): number {
    return this.#items;
  }

  append({ id, text, tokens, line, metadata, duplicateOf }: NewRunItem): void {
    const storedText = duplicateOf === undefined ? text : null;
    this.#insert.run(this.#items, id, storedText, tokens, line ?? null, metadata ?? null, duplicateOf ?? null);
    this.#items += 1;
    if (this.#items % ITEMS_PER_TRANSACTION === 0) this.#database.exec("COMMIT; BEGIN");
  }

  /** Reads back an item that was appended. */
  read(index: number): { readonly id: string; readonly line: number | undefined } {
    const row = this.#select.get(index);
    return { id: String(row?.id), line: typeof row?.line === "number" ? row.line : undefined };
  }

  /** Publishes the complete, durable database in the folder. */
  async commit(disk: Disk = systemDisk): Promise<void> {
    this.#database.exec(`COMMIT; ${ITEM_INDEXES}`);
    this.#database.close();
    await using file = await open(this.#path, "r+");
    await file.sync();
    await rename(this.#path, getRunDatabasePath(this.#dir));
    await disk.syncFolder(this.#dir);
  }

  /** Removes the temporary file of a plan that was not committed. */
  async close(): Promise<void> {
    if (!this.#database.isOpen) return;
    this.#database.close();
    await rm(this.#path, { force: true });
  }
}
