import { createHash, randomBytes } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { errorCode, RunError } from "#src/core/errors.ts";

const MAX_TRIES = 10;
const NO_HARD_LINK_ERRORS = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"];

/**
 * Keeps a second process out of an output folder. The lease in Redis does the same for a run, but two processes
 * could use two Redis servers, or none yet while they plan. A lock left by a process of this machine that no longer
 * lives is taken over. Returns the function that gives it back.
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
      ? "wait for it to end, or stop it; then run the same command again"
      : `wait for it to end; if that machine is gone for good, remove ${path}`,
  );
}

/** Resolves with the living holder, or with undefined when the lock is ours. */
async function acquireLock(path: string): Promise<{ readonly host: string; readonly pid: string } | undefined> {
  const own = `${hostname()} ${process.pid} ${randomBytes(6).toString("hex")}\n`;
  let holder = { host: "this machine", pid: "?" };
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    if (await createByLink(path, own)) return undefined;
    const found = await readFile(path, "utf8").catch(() => undefined);
    if (found === undefined) continue;
    const [host = "", pid = ""] = found.trim().split(" ");
    holder = { host: host || holder.host, pid: pid || holder.pid };
    // An empty lock is what a power cut leaves; a lock of ours is never seen without its holder.
    const isStale = found.trim() === "" || (host === hostname() && !isProcessAlive(Number(pid)));
    if (!isStale) return holder;
    await removeStaleLock(path, found);
  }
  return holder;
}

/** Puts the lock in place with its holder's name in it, in one step; false when there is one. */
async function createByLink(path: string, content: string): Promise<boolean> {
  const temporaryPath = `${path}.${randomBytes(6).toString("hex")}`;
  await writeFile(temporaryPath, content);
  try {
    await link(temporaryPath, path);
    return true;
  } catch (error) {
    // ENOENT: whoever holds the folder has cleared it, our draft included.
    if (errorCode(error) === "EEXIST" || errorCode(error) === "ENOENT") return false;
    // File systems without hard links: in two steps, then; a power cut between them leaves an empty lock.
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
 * Removes a lock whose holder is dead. Of several processes that find it, each could remove the new lock of the one
 * that was faster; so removing it takes a lock of its own, named after what is to be removed.
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

/** Does a process of this machine live? One of another user counts as living. */
export function isProcessAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === "EPERM";
  }
}
