import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { RunError } from "#src/core/failures/errors.ts";
import { ItemFinder } from "#src/producer/items/item-finder.ts";
import { type ItemQuery, toRetryQuery } from "#src/producer/items/item-query.ts";
import type { PreparedRun } from "#src/producer/run-kinds/run-kind.ts";
import { type ResetRecords, resetRecords } from "#src/producer/storage/failure-rows.ts";
import { openRunDatabase, toRunDatabaseError } from "#src/producer/storage/run-database.ts";
import type { RunStore } from "#src/producer/storage/run-store.ts";
import { breakHardLink } from "#src/producer/storage/vectors/break-hard-link.ts";
import { VECTOR_FILE } from "#src/producer/storage/vectors/vector-file.ts";
import { WORK_FOLDER } from "#src/producer/storage/work-folder.ts";
import type { RedisClient } from "#src/redis/script.ts";
import type { RunControl } from "#src/state/runs/run-control.ts";
import { writeManifest } from "./run-manifest.ts";

const READ_COUNT = 64;
const LIST_TIMEOUT_MS = 120_000;

/**
 * Removes the error records of a run that match the query (or its empty answers, if it selects these), so that its coordinator feeds these items again. Only for
 * the holder of the run's lease. A kill between any two steps leaves a run that can be resumed: first `run.json` says
 * that the run is not finished, then the records in Redis are stored and Redis forgets the run, then the database changes.
 */
export async function resetRunFailures(
  run: PreparedRun,
  openStore: () => Promise<RunStore>,
  { control, blocking }: { readonly control: RunControl; readonly blocking: RedisClient },
  query: ItemQuery,
): Promise<ResetRecords> {
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
  // Collected first, because a reader would block the write where the database has a rollback journal.
  const indices = await listResetItems(run.dir, query);
  const { database } = openRunDatabase(run.dir);
  try {
    return await resetRecords(database, indices);
  } catch (error) {
    throw toRunDatabaseError(error, run.dir);
  } finally {
    database.close();
  }
}

/** In steps, so that the run keeps its lease meanwhile. */
async function listResetItems(dir: string, query: ItemQuery): Promise<number[]> {
  using finder = new ItemFinder(dir);
  const indices: number[] = [];
  const end = performance.now() + LIST_TIMEOUT_MS;
  for (const step of finder.listSteps(toRetryQuery(query))) {
    for (const index of step) indices.push(index);
    await setImmediate();
    if (performance.now() < end) continue;
    throw new RunError(
      `the items to retry were not found within ${LIST_TIMEOUT_MS / 1_000} s; no item was reset`,
      "Use a simpler --where expression or other filters. To resume the run without a retry, run its command again.",
    );
  }
  return indices;
}
