import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { suggestChunkTokens } from "#src/producer/input/chunking/chunk-limits.ts";
import type { PreparedRun } from "#src/producer/run-kinds/run-kind.ts";
import { findShortestTooLong } from "#src/producer/storage/failure-rows.ts";
import { countEmptyAnswers, deleteRunDatabase } from "#src/producer/storage/run-database.ts";
import type { RunStore } from "#src/producer/storage/run-store.ts";
import { WORK_FOLDER } from "#src/producer/storage/work-folder.ts";
import type { RunControl } from "#src/state/runs/run-control.ts";
import { lockFolder } from "./folder/folder-lock.ts";
import type { OutputTask } from "./output-task.ts";
import type { RunMonitor } from "./progress/run-monitor.ts";
import { RunStoppedError } from "./run-error.ts";
import { isBatch, type RunManifest } from "./run-manifest.ts";

export interface FinishDeps {
  readonly control: RunControl;
  readonly monitor: RunMonitor;
  readonly signal: AbortSignal;
  /** Keep the database of a run without failures. */
  readonly keepDatabase: boolean;
}

/** Writes the output of a run whose items all have a record, and ends the run. Resolves with the final manifest. */
export async function finishRun(
  { dir, manifest }: PreparedRun,
  store: RunStore,
  output: OutputTask,
  { control, monitor, signal, keepDatabase }: FinishDeps,
): Promise<RunManifest> {
  await monitor.checkpoint("writing", store);
  await monitor.snapshot("finishing", store, 0);
  await store.sync();
  // The output is written as records become durable, so it would wait forever for a missing one.
  store.assertComplete();
  const onProgress = () => void monitor.snapshot("finishing", store, 0);
  const written = await output.finish(onProgress, signal).catch((error) => {
    if (signal.aborted) throw new RunStoppedError("interrupted", "interrupted while writing the output");
    throw error;
  });
  const emptyAnswers = manifest.kind === "chat" ? countEmptyAnswers(store.database) : 0;
  const shortest = isBatch(manifest) ? undefined : findShortestTooLong(store.database);
  const suggestedChunkTokens = shortest === undefined ? undefined : suggestChunkTokens(shortest);
  const report = await monitor.checkpoint("finished", store, { ...written, emptyAnswers, suggestedChunkTokens });
  await control.finish();
  await monitor.publishOutcome({ outcome: "finished", report }).catch(() => undefined);
  await store.finish();
  if (mayBeRetried(report)) return report;
  if (!keepDatabase) await deleteRunDatabase(dir);
  await rm(join(dir, WORK_FOLDER), { recursive: true, force: true });
  return report;
}

/** Whether a retry needs the database and the work folder of a finished run. */
function mayBeRetried({ items, emptyAnswers }: RunManifest): boolean {
  return items.failed > 0 || emptyAnswers !== undefined;
}

/** Deletes the work folder of a finished run that was killed before it could do so. */
export async function removeLeftWorkFolder(dir: string, manifest: RunManifest): Promise<void> {
  const work = join(dir, WORK_FOLDER);
  if (mayBeRetried(manifest) || !existsSync(work)) return;
  try {
    const unlock = await lockFolder(work);
    await rm(work, { recursive: true, force: true });
    await unlock();
  } catch {
    // Its process is still deleting it, or this user may not; the output is complete in either case.
  }
}
