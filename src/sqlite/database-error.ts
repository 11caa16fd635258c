import { randomBytes } from "node:crypto";
import { accessSync, constants, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DISK_RESUME_HINT, toDiskError } from "#src/core/failures/disk-error.ts";
import { RunError } from "#src/core/failures/errors.ts";

/** Primary result codes of SQLite. Extended codes have them in their lowest 8 bits. */
const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_READONLY = 8;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_NOTADB = 26;

/** An error that `node:sqlite` throws; `errcode` is an extended result code of SQLite. */
export interface SqliteError extends Error {
  readonly errcode: number;
}

export function isSqliteError(error: unknown): error is SqliteError {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number";
}

function hasCode(error: unknown, codes: readonly number[]): boolean {
  return isSqliteError(error) && codes.includes(error.errcode & 0xff);
}

/** Whether another connection holds a lock on the database for longer than the timeout. */
export function isDatabaseBusy(error: unknown): boolean {
  return hasCode(error, [SQLITE_BUSY, SQLITE_LOCKED]);
}

/** Whether the file is not a database, or its contents contradict each other. */
export function isDatabaseDamaged(error: unknown): boolean {
  return hasCode(error, [SQLITE_CORRUPT, SQLITE_NOTADB]);
}

const DAMAGED_HINT = "Check the disk, delete this file, then run the same command again.";

/**
 * Converts an error of the database `path` to a RunError that names the file or its folder, the reason, and what to do.
 * `damagedHint` says what to do when the file is damaged.
 */
export function toDatabaseError(error: unknown, path: string, damagedHint: string = DAMAGED_HINT): RunError {
  if (error instanceof RunError) return error;
  if (isDatabaseDamaged(error)) return new RunError(`${path} is damaged`, damagedHint, error);
  if (isDatabaseBusy(error)) {
    return new RunError(
      `${path} is locked by another process`,
      `Wait until the other command has finished, or stop it. ${DISK_RESUME_HINT}`,
      error,
    );
  }
  return toDiskError(findSystemError(error, path), dirname(path));
}

/** SQLite does not pass on the system error, which tells a full disk, a quota, and missing permissions from a failing disk. */
function findSystemError(error: unknown, path: string): unknown {
  if (!isSqliteError(error)) return error;
  if (hasCode(error, [SQLITE_FULL]))
    return Object.assign(new Error(error.message, { cause: error }), { code: "ENOSPC" });
  const found = hasCode(error, [SQLITE_READONLY, SQLITE_IOERR, SQLITE_CANTOPEN]) ? probeFolder(path) : undefined;
  return found ?? new Error(error.message, { cause: error });
}

/**
 * Checks the permissions of a database, writes to its folder, and returns the system error of that. It does not open the
 * database, because closing it again would release the locks of this process.
 */
function probeFolder(path: string): unknown {
  const probe = join(dirname(path), `.probe-${randomBytes(6).toString("hex")}`);
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    writeFileSync(probe, Buffer.alloc(64 * 1024));
    return undefined;
  } catch (error) {
    return error;
  } finally {
    rmSync(probe, { force: true });
  }
}
