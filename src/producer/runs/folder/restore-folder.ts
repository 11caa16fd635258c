import { existsSync } from "node:fs";
import { join } from "node:path";
import { FolderLostError, RunStoppedError } from "#src/producer/runs/run-error.ts";
import { restoreDeletedFiles } from "#src/producer/storage/restore-deleted-files.ts";
import type { RunStore } from "#src/producer/storage/run-store.ts";
import type { FolderGuard } from "./folder-guard.ts";
import { lockFolder } from "./folder-lock.ts";

/**
 * For a run that stops with `error`: if files of it were deleted, writes them again, so that nothing that was paid for is
 * lost. Resolves with the error to report. The run's own lock covers the lock of a new work folder.
 */
export async function restoreFolder(store: RunStore, guard: FolderGuard, error: unknown): Promise<unknown> {
  const { deleted, replaced } = await guard.findChanges();
  const [path] = deleted;
  // Another run may use a folder that was replaced.
  if (path === undefined || replaced.length > 0) return error;
  try {
    if (!existsSync(join(store.folder, "lock"))) await lockFolder(store.folder);
    await restoreDeletedFiles(store);
  } catch {
    return error;
  }
  return error instanceof RunStoppedError ? error : new FolderLostError(path, { isRestored: true });
}
