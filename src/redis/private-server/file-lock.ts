import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { errorCode } from "#src/core/failures/errors.ts";
import { identifyProcess, isSameProcessAlive, parseProcessIdentity } from "./process-identity.ts";

const RETRY_MS = 20;
/** A lock file without an owner is stale after this time: its process was killed between creating and writing it. */
const UNWRITTEN_STALE_MS = 5_000;

/**
 * Runs `work` while this caller holds the lock file; other processes, and other callers in this process, wait. A lock
 * whose owner has died is replaced. Waits without limit for an owner that is alive.
 */
export async function withFileLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  while (!tryFileLock(path)) await sleep(RETRY_MS);
  try {
    return await work();
  } finally {
    releaseFileLock(path);
  }
}

/** True if the caller holds the lock now; it must call `releaseFileLock`. Throws if the folder does not exist. */
export function tryFileLock(path: string): boolean {
  if (createLock(path)) return true;
  if (!isStale(path)) return false;
  // Removing a stale lock needs a lock of its own: between the check and the removal, another process could replace the
  // stale lock by its own, which would then be removed.
  const takeover = `${path}~`;
  if (!tryFileLock(takeover)) return false;
  try {
    if (isStale(path)) rmSync(path, { force: true });
    return createLock(path);
  } finally {
    releaseFileLock(takeover);
  }
}

export function releaseFileLock(path: string): void {
  rmSync(path, { force: true });
}

function createLock(path: string): boolean {
  try {
    writeFileSync(path, JSON.stringify(identifyProcess(process.pid)), { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  }
}

function isStale(path: string): boolean {
  try {
    const owner = parseProcessIdentity(readFileSync(path, "utf8"));
    if (owner !== undefined) return !isSameProcessAlive(owner);
    // Of either sign, because the clock may have been set back.
    return Math.abs(Date.now() - statSync(path).mtimeMs) > UNWRITTEN_STALE_MS;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return false;
    throw error;
  }
}
