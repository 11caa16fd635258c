import { accessSync, closeSync, constants, existsSync, mkdirSync, openSync } from "node:fs";
import { basename, dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { errorCode, RunError } from "#src/core/failures/errors.ts";
import { isDatabaseBusy, toDatabaseError } from "./database-error.ts";
import { findNetworkFileSystem, type GetFileSystemType } from "./file-system.ts";

export interface OpenDatabaseOptions {
  /** "full": a commit survives a power failure. "normal": it survives a kill, and a power failure may lose the latest. */
  readonly synchronous: "full" | "normal";
  /** The file must exist; nothing is written to it. */
  readonly readOnly?: boolean;
  /** Positive 32-bit number that marks the files of one kind; a file with another number is refused. */
  readonly applicationId?: number;
  /** Only the current user may read a new file and a new folder. */
  readonly isPrivate?: boolean;
  /** Page size of a new file in bytes; default 4096. */
  readonly pageSize?: number;
  /** Whether free pages of a new file can be returned to the file system by `PRAGMA incremental_vacuum`. */
  readonly canShrink?: boolean;
  /** How long a statement waits for locks of other connections, in ms; default 5 s. It blocks the event loop. */
  readonly busyTimeoutMs?: number;
  readonly getFileSystemType?: GetFileSystemType;
}

export interface OpenedDatabase {
  readonly database: DatabaseSync;
  /** A message for the user; set when the file is on a network file system. */
  readonly note: string | undefined;
}

const BUSY_TIMEOUT_MS = 5_000;
/** The WAL file is truncated to this size after a checkpoint. */
const WAL_BYTES = 64 * 1024 * 1024;

/**
 * Opens or creates the SQLite database `path`, and creates its folder. It uses WAL, except on network file systems, where
 * processes of several hosts have no shared memory. Throws a RunError.
 */
export function openDatabase(path: string, options: OpenDatabaseOptions): OpenedDatabase {
  let database: DatabaseSync | undefined;
  try {
    if (options.readOnly !== true) createFile(path, options.isPrivate === true);
    database = connect(path, options);
    database.exec(`PRAGMA trusted_schema = OFF; PRAGMA synchronous = ${options.synchronous}`);
    if (options.readOnly !== true) return { database, note: prepareForWriting(database, path, options) };
    requireApplicationId(database, path, options);
    return { database, note: undefined };
  } catch (error) {
    database?.close();
    throw toDatabaseError(error, path);
  }
}

function createFile(path: string, isPrivate: boolean): void {
  mkdirSync(dirname(path), { recursive: true, mode: isPrivate ? 0o700 : 0o777 });
  try {
    closeSync(openSync(path, "wx", isPrivate ? 0o600 : 0o666));
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error;
  }
}

function connect(
  path: string,
  { readOnly = false, busyTimeoutMs = BUSY_TIMEOUT_MS }: OpenDatabaseOptions,
): DatabaseSync {
  const location = readOnly ? toReadOnlyUri(path) : pathToFileURL(path);
  // Foreign keys describe the tables to other programs; checking them would add a lookup to every insert.
  return new DatabaseSync(location, { readOnly, timeout: busyTimeoutMs, enableForeignKeyConstraints: false });
}

/** The address under which SQLite opens a database for reading, also with ATTACH. */
export function toReadOnlyUri(path: string): URL {
  const location = pathToFileURL(path);
  location.searchParams.set("mode", "ro");
  // In a folder without write permission, SQLite cannot create the shared memory of a WAL, which a finished file does not need.
  if (!isWritable(dirname(path)) && !existsSync(`${path}-wal`)) location.searchParams.set("immutable", "1");
  return location;
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Sets what must be set before the first table, and the journal; returns a note for the user. */
function prepareForWriting(database: DatabaseSync, path: string, options: OpenDatabaseOptions): string | undefined {
  const { applicationId = 0, pageSize = 4096, canShrink = false, getFileSystemType, busyTimeoutMs } = options;
  const folder = dirname(path);
  const network = findNetworkFileSystem(folder, getFileSystemType);
  retryWhileBusy(busyTimeoutMs ?? BUSY_TIMEOUT_MS, () => {
    const isNew = readPragma(database, "schema_version") === 0;
    if (isNew)
      database.exec(`PRAGMA page_size = ${pageSize}; PRAGMA auto_vacuum = ${canShrink ? "INCREMENTAL" : "NONE"}`);
    else requireApplicationId(database, path, options);
    const journal = network === undefined ? "WAL" : "DELETE";
    database.exec(`PRAGMA journal_mode = ${journal}; PRAGMA journal_size_limit = ${WAL_BYTES}`);
    if (isNew) database.exec(`PRAGMA application_id = ${applicationId}`);
  });
  if (network === undefined) return undefined;
  return `${folder} is on a network file system (${network}): ${basename(path)} uses a rollback journal instead of a WAL, which is slower`;
}

function readPragma(database: DatabaseSync, name: string): unknown {
  return database.prepare(`PRAGMA ${name}`).get()?.[name];
}

/** SQLite does not wait for locks when it changes the journal, so processes that open a new file at once meet them. */
function retryWhileBusy(timeoutMs: number, change: () => void): void {
  const end = performance.now() + timeoutMs;
  for (;;) {
    try {
      change();
      return;
    } catch (error) {
      if (!isDatabaseBusy(error) || performance.now() > end) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

function requireApplicationId(database: DatabaseSync, path: string, { applicationId }: OpenDatabaseOptions): void {
  if (applicationId === undefined || readPragma(database, "application_id") === applicationId) return;
  throw new RunError(`${path} is a database of another program`, "Move it away, or choose another folder.");
}
