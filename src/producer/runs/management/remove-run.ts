import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, rm, rmdir } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { RunError } from "#src/core/failures/errors.ts";
import { OUTPUT_FILES } from "#src/producer/output/result-writer.ts";
import { lockFolder } from "#src/producer/runs/folder/folder-lock.ts";
import { LEASE_MS, mayHolderLive } from "#src/producer/runs/lease.ts";
import { MANIFEST_FILE, readManifest } from "#src/producer/runs/run-manifest.ts";
import { deleteRunDatabase } from "#src/producer/storage/run-database.ts";
import { WORK_FOLDER } from "#src/producer/storage/work-folder.ts";
import type { RunControl } from "#src/state/runs/run-control.ts";

/**
 * Removes a run from Redis, and its work files from `dir`, its folder on this machine if there is one. `outputs` also
 * deletes its output. `run.json` describes the output and is deleted with it, or if there is none. Other files are kept.
 * Throws a RunError, and removes nothing, if a process may be using the run.
 */
export async function removeRun(
  control: RunControl,
  dir: string | undefined,
  { outputs }: { readonly outputs: boolean },
): Promise<void> {
  const token = await acquireIdleLease(control);
  try {
    if (dir !== undefined && existsSync(dir)) await removeFiles(control.runId, dir, outputs);
    await control.remove();
  } finally {
    await control.releaseLease(token);
  }
}

/** Holds the lease of a run without a living coordinator, so that none starts meanwhile. Throws if the run has one. */
async function acquireIdleLease(control: RunControl): Promise<string> {
  const token = `${hostname()}/${process.pid}/${randomBytes(6).toString("hex")}`;
  for (;;) {
    // Deleting large files may take longer than the usual lease.
    const holder = await control.acquireLease(token, LEASE_MS * 6);
    if (holder === undefined) return token;
    if (mayHolderLive(holder)) {
      const [host, pid] = holder.split("/");
      throw new RunError(
        `${control.runId} is in use by process ${pid} on ${host}`,
        "Stop that process, or wait for it to end. Then remove the run.",
      );
    }
    await control.breakLease(holder);
  }
}

async function removeFiles(run: string, dir: string, outputs: boolean): Promise<void> {
  // Another run may have replaced this one, whose files are gone then.
  if ((await readManifest(dir))?.run !== run) return;
  const work = join(dir, WORK_FOLDER);
  const unlock = await lockFolder(work);
  try {
    const manifest = await readManifest(dir);
    if (manifest?.run !== run) return;
    await deleteRunDatabase(dir);
    const found = (await readdir(dir)).filter((name) => OUTPUT_FILES.includes(name));
    if (outputs || (found.length === 0 && manifest.state !== "finished")) {
      for (const name of found) await rm(join(dir, name), { recursive: true, force: true });
      // Last, so that an interrupted removal can be repeated.
      await rm(join(dir, MANIFEST_FILE), { force: true });
      await rm(join(dir, `${MANIFEST_FILE}.tmp`), { force: true });
    }
    await rm(work, { recursive: true, force: true });
  } finally {
    await unlock();
  }
  // Removes the folder only if it is empty.
  await rmdir(dir).catch(() => undefined);
}
