import { existsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { RunError } from "#src/core/failures/errors.ts";
import { isDatabaseBusy, toDatabaseError } from "#src/sqlite/database-error.ts";
import { type OpenedDatabase, openDatabase } from "#src/sqlite/open-database.ts";
import { IS_EMPTY_ANSWER, RUN_APPLICATION_ID, RUN_DATABASE, SCHEMA_VERSION, SEARCH_INDEX } from "./schema.ts";

export function getRunDatabasePath(dir: string): string {
  return join(dir, RUN_DATABASE);
}

/** Whether a file of an output folder is a run's database, its search index, or one of the files that SQLite keeps beside them. */
export function isRunDatabaseFile(name: string): boolean {
  const isDatabase = (file: string) =>
    name === file || name.startsWith(`${file}-`) || name.startsWith(`${file}.partial`);
  return isDatabase(RUN_DATABASE) || isDatabase(SEARCH_INDEX);
}

/** Deletes the database of a run that is not open. */
export async function deleteRunDatabase(dir: string): Promise<void> {
  const names = await readdir(dir);
  for (const name of names) if (isRunDatabaseFile(name)) await rm(join(dir, name), { force: true });
}

/** Whether the database of the run in `dir` may contain records. True if it cannot be read. */
export function hasRecords(dir: string): boolean {
  try {
    const database = openRunDatabaseReader(dir);
    try {
      return database.prepare("SELECT 1 FROM records LIMIT 1").get() !== undefined;
    } finally {
      database.close();
    }
  } catch {
    return true;
  }
}

/** The number of empty chat answers; scans no record with other answers. */
export function countEmptyAnswers(database: DatabaseSync): number {
  const query = `SELECT count(*) AS n FROM records r WHERE r.status = 'ok' AND ${IS_EMPTY_ANSWER}`;
  return Number(database.prepare(query).get()?.n);
}

/** The number of results in the database of the run in `dir`; 0 if it cannot be read. */
export function countAnswers(dir: string): number {
  try {
    const database = openRunDatabaseReader(dir);
    try {
      return Number(database.prepare("SELECT count(*) AS n FROM records WHERE status = 'ok'").get()?.n);
    } finally {
      database.close();
    }
  } catch {
    return 0;
  }
}

const DAMAGED_RUN_HINT = "Check the disk. Then start the run again with --force, which discards its answers.";

/**
 * Opens the database of the run in `dir` for its coordinator; a commit survives a power failure. Throws a RunError when the
 * file is missing, damaged, or of a newer version.
 */
export function openRunDatabase(dir: string): OpenedDatabase {
  requireRunDatabase(dir);
  const opened = openDatabase(getRunDatabasePath(dir), { synchronous: "full", applicationId: RUN_APPLICATION_ID });
  return { ...opened, database: requireReadable(opened.database, dir) };
}

/** Opens the database of the run in `dir` for reading, while its coordinator may be writing. Throws a RunError. */
export function openRunDatabaseReader(dir: string): DatabaseSync {
  requireRunDatabase(dir);
  const { database } = openDatabase(getRunDatabasePath(dir), {
    synchronous: "full",
    readOnly: true,
    applicationId: RUN_APPLICATION_ID,
  });
  return requireReadable(database, dir);
}

/** Converts an error of a run's database to a RunError that says what to do. */
export function toRunDatabaseError(error: unknown, dir: string): RunError {
  // Metadata and properties are JSON. The message of a syntax error contains a part of the text.
  if (error instanceof SyntaxError) return damagedRunDatabase(dir);
  return toDatabaseError(error, getRunDatabasePath(dir), DAMAGED_RUN_HINT);
}

/** The error for contents of a run's database that its coordinator can't have written. */
export function damagedRunDatabase(dir: string): RunError {
  return new RunError(`${getRunDatabasePath(dir)} is damaged`, DAMAGED_RUN_HINT);
}

function requireRunDatabase(dir: string): void {
  const path = getRunDatabasePath(dir);
  if (existsSync(path)) return;
  throw new RunError(
    `${path}: the run's database is missing`,
    "To start over, run the same command again with --force: all answers are then paid for again. Without failed items, a run keeps its database only with --keep-db.",
  );
}

function requireReadable(database: DatabaseSync, dir: string): DatabaseSync {
  try {
    const version = Number(database.prepare("PRAGMA user_version").get()?.user_version);
    if (version <= SCHEMA_VERSION) return database;
    throw new RunError(
      `${getRunDatabasePath(dir)} was written by a newer version of Sluice (schema ${version}; this version reads up to ${SCHEMA_VERSION})`,
      "Upgrade Sluice and run the same command again, or discard this run by starting it again with --force.",
    );
  } catch (error) {
    database.close();
    throw toRunDatabaseError(error, dir);
  }
}

/** Runs `write` in one transaction, which other processes see completely or not at all. */
export function runInTransaction<T>(database: DatabaseSync, write: () => T): T {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = write();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

const LOCK_TIMEOUT_MS = 60_000;
const LOCK_RETRY_MS = 200;

/**
 * Repeats a transaction for up to a minute while a reader holds a lock, which is possible only where there is no WAL. In
 * between, the event loop is free, so that the lease of the run is renewed. `onRollback` is called before each repetition.
 */
export async function repeatWhileLocked(transact: () => void, onRollback: () => void): Promise<void> {
  for (const end = performance.now() + LOCK_TIMEOUT_MS; ; ) {
    try {
      transact();
      return;
    } catch (error) {
      if (!isDatabaseBusy(error) || performance.now() > end) throw error;
    }
    onRollback();
    await sleep(LOCK_RETRY_MS);
  }
}
