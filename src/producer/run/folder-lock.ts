import { mkdir, open, readFile, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { errorCode, RunError } from "../../core/errors.ts";

/**
 * Keeps a second process out of an output folder. The lease in Redis does the same for a run, but two processes
 * could use two Redis servers, or none yet while they plan. A lock left by a process of this machine that no longer
 * lives is taken over. Returns the function that gives it back.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, "lock");
  await mkdir(folder, { recursive: true });
  for (let tries = 0; tries < 3; tries++) {
    try {
      const handle = await open(path, "wx");
      await handle.writeFile(`${hostname()} ${process.pid}\n`);
      await handle.close();
      return () => rm(path, { force: true });
    } catch (error) {
      if (errorCode(error) !== "EEXIST") throw error;
    }
    const [host = "", pid = ""] = (await readFile(path, "utf8").catch(() => "")).trim().split(" ");
    if (host !== hostname() || isAlive(Number(pid))) {
      throw new RunError(
        `${folder} is in use by process ${pid || "?"} on ${host || "another machine"}`,
        host === hostname()
          ? "wait for it to end, or stop it; then run the same command again"
          : `wait for it to end; if that machine is gone for good, remove ${path}`,
      );
    }
    await rm(path, { force: true });
  }
  throw new RunError(`${folder} could not be locked: other processes keep taking it`, "try again");
}

/** Does a process of this machine live? One of another user counts as living. */
export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === "EPERM";
  }
}
