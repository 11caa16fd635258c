import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { errorCode } from "#src/core/errors.ts";
import { identifyProcess, isProcessAlive, type ProcessIdentity } from "./process-identity.ts";

const RETRY_MS = 20;
/** A lock file without an owner was left by a process killed between creating and writing it. */
const UNWRITTEN_STALE_MS = 5_000;

/**
 * Runs `work` while no other process, and no other caller in this one, holds the lock file. A lock whose owner died
 * is taken over. Waits as long as a live owner works.
 */
export async function withFileLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  while (!tryFileLock(path)) await sleep(RETRY_MS);
  try {
    return await work();
  } finally {
    releaseFileLock(path);
  }
}

/** True when this process now owns the lock; it must call `releaseFileLock`. Throws when the folder is gone. */
export function tryFileLock(path: string): boolean {
  if (createLock(path)) return true;
  if (!isStale(path)) return false;
  // Removing a stale lock needs a lock of its own: between our look and our removal another process could have
  // removed it and created its own, which we would then remove.
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
    const owner = readOwner(readFileSync(path, "utf8"));
    if (owner !== undefined) return !isProcessAlive(owner);
    return Date.now() - statSync(path).mtimeMs > UNWRITTEN_STALE_MS;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return false;
    throw error;
  }
}

function readOwner(text: string): ProcessIdentity | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return undefined;
    if (!("pid" in value && "startedAt" in value)) return undefined;
    const { pid, startedAt } = value;
    return typeof pid === "number" && typeof startedAt === "string" ? { pid, startedAt } : undefined;
  } catch {
    return undefined;
  }
}
