import { createHash, randomBytes } from "node:crypto";
import { link, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { errorCode, RunError } from "#src/core/failures/errors.ts";

const MAX_TRIES = 10;
const NO_HARD_LINK_ERRORS = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"];

/**
 * Locks a folder against other processes. The lease in Redis does the same for a run, but two processes may use two Redis
 * servers, or none yet while they plan. A lock of a dead process of this machine is taken over. Resolves with the
 * function that releases the lock; throws a RunError if another process holds it.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, "lock");
  const holder = await acquireLock(path);
  if (holder === undefined) return () => rm(path, { force: true });
  const { host, pid } = holder;
  throw new RunError(
    `${folder} is in use by process ${pid} on ${host}`,
    host === hostname()
      ? "Wait for it to end, or stop it. Then run the same command again."
      : `Wait for it to end. If that machine no longer exists, delete ${path}.`,
  );
}

/** Planning takes less time; after it, the lease in Redis shows whether the holder of a lock lives. */
const LONGEST_PLANNING_MS = 60_000;

/**
 * Removes the lock of a process of another machine, for a caller that knows that nobody coordinates the run: its lease in
 * Redis has expired, which it would not while the process lives. A fresh lock may be that of a run that is still planned.
 */
export async function breakLockOfOtherMachine(folder: string, now: number): Promise<void> {
  const path = join(folder, "lock");
  const found = await readFile(path, "utf8").catch(() => undefined);
  const [host = ""] = found?.trim().split(" ") ?? [];
  if (found === undefined || host === hostname()) return;
  const { mtimeMs } = await stat(path);
  if (now - mtimeMs > LONGEST_PLANNING_MS) await removeStaleLock(path, found);
}

/** Resolves with undefined if the lock was acquired, else with its living holder. */
async function acquireLock(path: string): Promise<{ readonly host: string; readonly pid: string } | undefined> {
  const own = `${hostname()} ${process.pid} ${randomBytes(6).toString("hex")}\n`;
  let holder = { host: "this machine", pid: "?" };
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    if (await createByLink(path, own)) return undefined;
    const found = await readFile(path, "utf8").catch(() => undefined);
    if (found === undefined) continue;
    const [host = "", pid = ""] = found.trim().split(" ");
    holder = { host: host || holder.host, pid: pid || holder.pid };
    // A power cut can leave an empty lock. A lock that is created by link never appears without its content.
    const isStale = found.trim() === "" || (host === hostname() && !isProcessAlive(Number(pid)));
    if (!isStale) return holder;
    await removeStaleLock(path, found);
  }
  return holder;
}

/** Creates the lock together with its content, atomically. False if there is a lock. */
async function createByLink(path: string, content: string): Promise<boolean> {
  const temporaryPath = `${path}.${randomBytes(6).toString("hex")}`;
  await writeFile(temporaryPath, content);
  try {
    await link(temporaryPath, path);
    return true;
  } catch (error) {
    // ENOENT: the holder of the lock has cleared the folder, including our temporary file.
    if (errorCode(error) === "EEXIST" || errorCode(error) === "ENOENT") return false;
    // Without hard links it takes two steps, and a power cut between them leaves an empty lock.
    if (NO_HARD_LINK_ERRORS.includes(errorCode(error) ?? "")) return await createByWrite(path, content);
    throw error;
  } finally {
    await rm(temporaryPath, { force: true });
  }
}

async function createByWrite(path: string, content: string): Promise<boolean> {
  try {
    await writeFile(path, content, { flag: "wx" });
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  }
}

/**
 * Removes the lock of a dead process. If several processes find it, a slow one could remove the new lock of a fast one.
 * Removal therefore needs a lock of its own, named after the content of the stale lock.
 */
async function removeStaleLock(path: string, found: string): Promise<void> {
  const removalLock = `${path}.${createHash("sha256").update(found).digest("hex").slice(0, 16)}`;
  if ((await acquireLock(removalLock)) !== undefined) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    return;
  }
  try {
    if ((await readFile(path, "utf8").catch(() => undefined)) === found) await rm(path, { force: true });
  } finally {
    await rm(removalLock, { force: true });
  }
}

/** Whether a process of this machine is running. True for processes of other users. */
export function isProcessAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === "EPERM";
  }
}
