import { join } from "node:path";
import { breakHardLink } from "#src/producer/storage/break-hard-link.ts";
import type { RunStore } from "#src/producer/storage/ledger-store.ts";
import { WORK_FOLDER } from "#src/producer/storage/open-files.ts";
import { VECTOR_FILE } from "#src/producer/storage/record-store.ts";
import { type FailureFilter, type ResetFailures, resetFailures } from "#src/producer/storage/reset-failures.ts";
import type { RedisClient } from "#src/redis/script.ts";
import type { WireRecord } from "#src/state/records/record-codec.ts";
import type { RunControl } from "#src/state/runs/run-control.ts";
import type { PreparedRun } from "./prepare-run.ts";
import { writeManifest } from "./run-manifest.ts";

const READ_COUNT = 64;

/**
 * Takes back a run's failures, so that its coordinator feeds these items again. Only for the holder of the run's
 * lease. In an order that a kill between any two steps leaves a run that can go on: `run.json` first says that the
 * run is not finished, then Redis forgets it, with nothing in it that is not on disk, and the ledger comes last.
 */
export async function resetRunFailures(
  run: PreparedRun,
  openStore: () => Promise<RunStore<WireRecord>>,
  { control, blocking }: { readonly control: RunControl; readonly blocking: RedisClient },
  filter: FailureFilter,
): Promise<ResetFailures> {
  await writeManifest(run.dir, { ...run.manifest, state: "stopped" });
  // A finished run's vectors.npy is the store's own file under a second name: its readers must not see it change.
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
