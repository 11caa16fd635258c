import { readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { RunError } from "#src/core/failures/errors.ts";
import { isDatabaseBusy, isDatabaseDamaged, toDatabaseError } from "#src/sqlite/database-error.ts";
import { CacheDatabase, getCachePath } from "./cache-database.ts";

/** Files of the format before version 0.2. */
const OLD_FILE = /^[0-9a-z]+-[0-9a-f]{12}(-\d+)*\.(answers|index)(\.partial)?$/;

/**
 * The answer cache of one process. Its errors are notes and misses: they never stop a run. A damaged database is renamed
 * and a new one is started, once.
 */
export class CacheStore {
  readonly #folder: string;
  readonly #path: string;
  readonly #maxBytes: number;
  #database: CacheDatabase | undefined;
  #inode: number | undefined;
  #isWritable = true;
  #hasReplaced = false;
  #notes: string[] = [];

  /** Opens or creates the cache. Throws a RunError if its folder or file cannot be used. */
  constructor(folder: string, maxBytes: number) {
    this.#folder = folder;
    this.#path = getCachePath(folder);
    this.#maxBytes = maxBytes;
    try {
      this.#open();
    } catch (error) {
      if (!isDamaged(error)) throw toDatabaseError(error, this.#path);
      this.#replace();
    }
    this.#deleteOldFiles();
  }

  find(keys: readonly Buffer[], now: number): (Buffer<ArrayBuffer> | undefined)[] {
    return (
      this.#attempt((database) => database.find(keys, now), "it is not used any more") ?? keys.map(() => undefined)
    );
  }

  put(frames: readonly Buffer[], now: number): void {
    if (this.#isWritable) this.#attempt((database) => database.put(frames, now), "new answers are not cached");
  }

  /** Returns the messages for the user since the last call. */
  takeNotes(): string[] {
    return this.#notes.splice(0);
  }

  close(now: number): void {
    if (this.#isWritable) this.#attempt((database) => database.tidy(now), "it is not used any more");
    this.#closeDatabase();
  }

  #open(): void {
    this.#database = new CacheDatabase(this.#folder, this.#maxBytes);
    this.#inode = this.#readInode();
    if (this.#database.note !== undefined) this.#notes.push(this.#database.note);
  }

  #readInode(): number | undefined {
    return statSync(this.#path, { throwIfNoEntry: false })?.ino;
  }

  /** Repeats the work once with a new database if the database is damaged. Returns undefined if it fails. */
  #attempt<T>(work: (database: CacheDatabase) => T, consequence: string): T | undefined {
    if (!this.#database) return undefined;
    try {
      return work(this.#database);
    } catch (error) {
      // Another process has the lock for seconds. What is lost is requested again one day.
      if (isDatabaseBusy(error)) return undefined;
      if (isDamaged(error) && !this.#hasReplaced) {
        this.#replace();
        return this.#attempt(work, consequence);
      }
      this.#stop(error, consequence);
      return undefined;
    }
  }

  #stop(error: unknown, consequence: string): void {
    this.#notes.push(`answer cache: ${toDatabaseError(error, this.#path).message}; ${consequence}`);
    this.#isWritable = false;
    if (consequence === "it is not used any more") this.#closeDatabase();
  }

  /** Renames the damaged file, unless another process has done it, and starts a new one. */
  #replace(): void {
    this.#hasReplaced = true;
    this.#closeDatabase();
    try {
      const inode = this.#readInode();
      if (inode !== undefined && (this.#inode === undefined || inode === this.#inode)) {
        renameSync(this.#path, `${this.#path}.damaged`);
        for (const suffix of ["-wal", "-shm", "-journal"]) rmSync(`${this.#path}${suffix}`, { force: true });
      }
      this.#open();
      const name = basename(this.#path);
      this.#notes.push(`${this.#path} is damaged: it was renamed to ${name}.damaged, and a new cache was started`);
    } catch (error) {
      this.#stop(error, "it is not used any more");
    }
  }

  #closeDatabase(): void {
    try {
      this.#database?.close();
    } catch {
      // A damaged file may not be closed in order. Nothing of it is needed.
    }
    this.#database = undefined;
  }

  #deleteOldFiles(): void {
    const old = readdirSync(this.#folder).filter((name) => OLD_FILE.test(name));
    if (old.length === 0) return;
    for (const name of old) rmSync(join(this.#folder, name), { force: true });
    this.#notes.push(`deleted the answers that an earlier version cached in ${this.#folder}: their format has changed`);
  }
}

function isDamaged(error: unknown): boolean {
  return isDatabaseDamaged(error) || (error instanceof RunError && isDatabaseDamaged(error.cause));
}
