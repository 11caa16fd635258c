import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { openDatabase } from "#src/sqlite/open-database.ts";
import { isFrameOf, readFrameKey } from "./cache-frame.ts";

const FILE = "answers.db";
export const CACHE_APPLICATION_ID = 0x51_c1_0c_01;

/** Returns the path of a cache's database in its folder. */
export function getCachePath(folder: string): string {
  return join(folder, FILE);
}

/**
 * `entries` is found by the first 53 bits of a key, because a small tree with integer keys is the cheapest; the frame
 * contains the whole key. `used` is the time of the last use in steps of USE_STEP_MS. Frames are in a table of their own,
 * so that they are appended and an update of `used` does not write them again.
 */
const SCHEMA = `
CREATE TABLE IF NOT EXISTS answers (id INTEGER PRIMARY KEY, frame BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS entries (key INTEGER PRIMARY KEY, used INTEGER NOT NULL, answer INTEGER NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS entries_by_use ON entries (used, answer);
`;
const USE_STEP_MS = 10 * 60_000;
const PAGE_BYTES = 4096;
/** A checkpoint writes up to this many pages to the file at once. */
const MAX_WAL_PAGES = 4_000;
const PAGE_CACHE_KB = 8_192;
const EVICTED_AT_ONCE = 64;
/** Uses of answers are written with the next answers, or when there are this many. */
const USES_AT_ONCE = 1_000;
/** How long `tidy` may take: what is left is done by the next process. */
const TIDY_MS = 3_000;

/**
 * The database of the answer cache. Any number of processes may use it at once. All methods are synchronous, wait for locks
 * of other processes, and throw the errors of SQLite.
 */
export class CacheDatabase {
  readonly #database: DatabaseSync;
  readonly #maxPages: number;
  readonly #statements: ReturnType<typeof prepareStatements>;
  /** Entries to write: used again, or with a damaged frame. */
  #used = new Set<number>();
  #damaged = new Set<number>();

  /** A message for the user: the file is on a network file system. */
  readonly note: string | undefined;

  /** Opens or creates the database. Throws a RunError. */
  constructor(folder: string, maxBytes: number) {
    const { database, note } = openDatabase(getCachePath(folder), {
      synchronous: "normal",
      applicationId: CACHE_APPLICATION_ID,
      isPrivate: true,
      pageSize: PAGE_BYTES,
      canShrink: true,
    });
    // A checkpoint may leave a WAL of this size, so it is small in a small cache. Room for it is in the last sixteenth.
    this.#maxPages = Math.floor((maxBytes / PAGE_BYTES) * (15 / 16));
    const walPages = Math.max(16, Math.min(MAX_WAL_PAGES, Math.floor(this.#maxPages / 16)));
    database.exec(`PRAGMA wal_autocheckpoint = ${walPages}; PRAGMA cache_size = -${PAGE_CACHE_KB}; ${SCHEMA}`);
    this.#database = database;
    this.#statements = prepareStatements(database);
    this.note = note;
  }

  /** Reads the frames of these keys; undefined for a miss. */
  find(keys: readonly Buffer[], now: number): (Buffer<ArrayBuffer> | undefined)[] {
    const step = Math.floor(now / USE_STEP_MS);
    const frames = this.#transaction("DEFERRED", () => keys.map((key) => this.#findOne(key, step)));
    if (this.#used.size + this.#damaged.size >= USES_AT_ONCE)
      this.#transaction("IMMEDIATE", () => this.#writeUses(step));
    return frames;
  }

  #findOne(key: Buffer, step: number): Buffer<ArrayBuffer> | undefined {
    const id = toEntryKey(key);
    const row = this.#statements.find.get(id);
    if (!(row?.frame instanceof Uint8Array)) return undefined;
    const frame = Buffer.from(row.frame.buffer, row.frame.byteOffset, row.frame.byteLength);
    if (!isFrameOf(key, frame)) {
      this.#damaged.add(id);
      return undefined;
    }
    if (Number(row.used) < step) this.#used.add(id);
    return frame;
  }

  /** Stores frames in place of earlier ones with the same keys, and evicts what was not used for the longest time. */
  put(frames: readonly Buffer[], now: number): void {
    const step = Math.floor(now / USE_STEP_MS);
    this.#transaction("IMMEDIATE", () => {
      this.#writeUses(step);
      for (const frame of frames) this.#putOne(toEntryKey(readFrameKey(frame)), frame, step);
      // At least as many as were stored, so that a cache that is too large gets smaller.
      for (let evicted = 0; this.#isFull() && evicted < 2 * frames.length + EVICTED_AT_ONCE; ) evicted += this.#evict();
    });
  }

  #putOne(key: number, frame: Buffer, step: number): void {
    this.#delete(key);
    const { lastInsertRowid } = this.#statements.addAnswer.run(frame);
    this.#statements.addEntry.run(key, step, lastInsertRowid);
  }

  #writeUses(step: number): void {
    for (const key of this.#damaged) this.#delete(key);
    for (const key of this.#used) this.#statements.use.run(step, key);
    this.#damaged.clear();
    this.#used.clear();
  }

  #delete(key: number): void {
    const answer = this.#statements.deleteEntry.get(key)?.answer;
    if (answer !== undefined) this.#statements.deleteAnswer.run(answer);
  }

  #isFull(): boolean {
    return this.#readPragma("page_count") - this.#readPragma("freelist_count") > this.#maxPages;
  }

  #evict(): number {
    const oldest = this.#statements.oldest.all(EVICTED_AT_ONCE);
    for (const { key } of oldest) this.#delete(Number(key));
    return Math.max(oldest.length, EVICTED_AT_ONCE);
  }

  /** Writes the uses, evicts until the answers fit, and returns free pages to the file system if the file is too large. */
  tidy(now: number): void {
    const end = performance.now() + TIDY_MS;
    if (this.#used.size + this.#damaged.size > 0) {
      this.#transaction("IMMEDIATE", () => this.#writeUses(Math.floor(now / USE_STEP_MS)));
    }
    while (this.#isFull() && performance.now() < end) this.#transaction("IMMEDIATE", () => this.#evict());
    const isLarge = () =>
      this.#readPragma("freelist_count") > 0 && this.#readPragma("page_count") > this.#maxPages * 1.1;
    while (isLarge() && performance.now() < end) this.#database.exec("PRAGMA incremental_vacuum(256)");
  }

  #readPragma(name: "page_count" | "freelist_count"): number {
    return Number(this.#statements[name].get()?.[name]);
  }

  #transaction<T>(kind: "DEFERRED" | "IMMEDIATE", work: () => T): T {
    this.#database.exec(`BEGIN ${kind}`);
    try {
      const result = work();
      this.#database.exec("COMMIT");
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  close(): void {
    this.#database.close();
  }
}

function prepareStatements(database: DatabaseSync) {
  return {
    find: database.prepare("SELECT used, frame FROM entries JOIN answers ON id = answer WHERE key = ?"),
    addAnswer: database.prepare("INSERT INTO answers (frame) VALUES (?)"),
    addEntry: database.prepare("INSERT INTO entries (key, used, answer) VALUES (?, ?, ?)"),
    use: database.prepare("UPDATE entries SET used = ? WHERE key = ?"),
    deleteEntry: database.prepare("DELETE FROM entries WHERE key = ? RETURNING answer"),
    deleteAnswer: database.prepare("DELETE FROM answers WHERE id = ?"),
    oldest: database.prepare("SELECT key FROM entries ORDER BY used, answer LIMIT ?"),
    page_count: database.prepare("PRAGMA page_count"),
    freelist_count: database.prepare("PRAGMA freelist_count"),
  };
}

/** The first 53 bits of a key. */
export function toEntryKey(key: Buffer): number {
  return key.readUIntBE(0, 6) * 32 + (key.readUInt8(6) >> 3);
}
