import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { RunError } from "#src/core/failures/errors.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import { lockFolder } from "#src/producer/runs/folder/folder-lock.ts";
import { mayHolderLive } from "#src/producer/runs/lease.ts";
import type { RunLabel } from "#src/producer/runs/run-label.ts";
import { readManifest, writeManifest } from "#src/producer/runs/run-manifest.ts";
import { WORK_FOLDER } from "#src/producer/storage/work-folder.ts";
import type { RunControl } from "#src/state/runs/run-control.ts";

/**
 * Changes the name or the note of a run. `dir` is its folder, or undefined if that is not on this machine. A coordinator
 * takes the change over into `run.json`; without one, the folder is needed. Throws a RunError if it is missing or in use.
 */
export async function renameRun(control: RunControl, dir: string | undefined, label: RunLabel): Promise<void> {
  const changes = omitUndefined({ ...label });
  const holder = await control.coordinator();
  if (holder === undefined || !mayHolderLive(holder)) {
    if (dir === undefined) {
      throw new RunError(
        `the folder of ${control.runId} is not on this machine`,
        "Rename the run on the machine that has its folder.",
      );
    }
    await renameInFolder(control.runId, dir, changes);
  }
  await control.updateLabel(changes);
}

async function renameInFolder(run: string, dir: string, changes: RunLabel): Promise<void> {
  const work = join(dir, WORK_FOLDER);
  const hadWork = existsSync(work);
  const unlock = await lockFolder(work);
  try {
    // Read under the lock: another process may have finished or replaced the run.
    const manifest = await readManifest(dir);
    if (manifest?.run !== run) throw new RunError(`${dir} does not contain ${run} any more`, "Name the run's folder.");
    const { name = manifest.name, note = manifest.note } = changes;
    await writeManifest(dir, { ...manifest, name: name || undefined, note: note || undefined });
  } finally {
    await unlock();
    if (!hadWork) await rm(work, { recursive: true, force: true });
  }
}
