import { join } from "node:path";
import type { PreparedRun } from "#src/producer/run-kinds/run-kind.ts";
import { breakHardLink } from "#src/producer/storage/break-hard-link.ts";
import type { RunStore } from "#src/producer/storage/ledger-store.ts";
import { WORK_FOLDER } from "#src/producer/storage/open-files.ts";
import { readFailures } from "#src/producer/storage/read-failures.ts";
import { type FailureFilter, type ResetFailures, resetFailures } from "#src/producer/storage/reset-failures.ts";
import { VECTOR_FILE } from "#src/producer/storage/vector-store.ts";
import type { RedisClient } from "#src/redis/script.ts";
import type { WireRecord } from "#src/state/record-format/record-codec.ts";
import type { RunControl } from "#src/state/runs/run-control.ts";
import type { RetriedEvent } from "./run-environment.ts";
import { type RunManifest, writeManifest } from "./run-manifest.ts";

const READ_COUNT = 64;

/**
 * Removes the error records of a run that match the filter, so that its coordinator feeds these items again. Only for
 * the holder of the run's lease. A kill between any two steps leaves a run that can be resumed: first `run.json` says
 * that the run is not finished, then the records in Redis are stored and Redis forgets the run, then the ledger changes.
 */
export async function resetRunFailures(
  run: PreparedRun,
  openStore: () => Promise<RunStore<WireRecord>>,
  { control, blocking }: { readonly control: RunControl; readonly blocking: RedisClient },
  filter: FailureFilter,
): Promise<ResetFailures> {
  await writeManifest(run.dir, { ...run.manifest, state: "stopped" });
  // The vectors.npy of a finished run is a hard link to the store's own file; its readers must not see it change.
  await breakHardLink(join(run.dir, WORK_FOLDER, VECTOR_FILE));
  const store = await openStore();
  try {
    for (let after = "0-0"; ; ) {
      const entries = await control.readResults(blocking, after, READ_COUNT, 1);
      const last = entries.at(-1);
      if (!last) break;
      await store.write(entries.flatMap(({ records }) => records));
      after = last.id;
    }
  } finally {
    await store.close();
  }
  await control.resetItems();
  return await resetFailures(run.dir, run.manifest.items.total, filter);
}

/** Counts how many of the reset items succeeded, once the run has ended with `report`. */
export async function countRetried(
  dir: string,
  reset: ResetFailures,
  { items }: Pick<RunManifest, "items">,
): Promise<RetriedEvent> {
  let failed = 0;
  // Without failures, the work folder has been deleted.
  if (items.failed > 0 && reset.count > 0) {
    for await (const stored of readFailures(dir, items.total)) {
      failed += stored.filter(({ index }) => reset.has(index)).length;
    }
  }
  return { type: "retried", items: reset.count, succeeded: reset.count - failed, failed };
}
