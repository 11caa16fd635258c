import { join } from "node:path";
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
  const indices = listResetItems(run.dir, query);
  const { database } = openRunDatabase(run.dir);
  try {
    return await resetRecords(database, indices);
  } catch (error) {
    throw toRunDatabaseError(error, run.dir);
  } finally {
    database.close();
  }
}

function listResetItems(dir: string, query: ItemQuery): number[] {
  using finder = new ItemFinder(dir);
  return [...finder.listIndices(toRetryQuery(query))];
}
