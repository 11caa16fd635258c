import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { PreparedRun, RunParts } from "#src/producer/run-kinds/run-kind.ts";
import { preserveCallTimings } from "#src/producer/storage/call-timings.ts";
import type { RunStore } from "#src/producer/storage/ledger-store.ts";
import { WORK_FOLDER } from "#src/producer/storage/open-files.ts";
import type { WireRecord } from "#src/state/record-format/record-codec.ts";
import type { RunControl } from "#src/state/runs/run-control.ts";
import type { RunMonitor } from "./progress/run-monitor.ts";
import { RunStoppedError } from "./run-error.ts";
import type { RunManifest } from "./run-manifest.ts";

export interface FinishDeps {
  readonly control: RunControl;
  readonly monitor: RunMonitor;
  readonly signal: AbortSignal;
}

/** Writes the output of a run whose items all have a record, and ends the run. Resolves with the final manifest. */
export async function finishRun<S extends RunStore<WireRecord>>(
  { dir }: PreparedRun,
  store: S,
  parts: RunParts<S>,
  { control, monitor, signal }: FinishDeps,
): Promise<RunManifest> {
  await monitor.checkpoint("writing", store);
  await monitor.snapshot("finishing", store, 0);
  const onProgress = () => void monitor.snapshot("finishing", store, 0);
  let refusals = 0;
  const onRefusal = () => {
    refusals += 1;
  };
  const { files, digests } = await parts.writeOutput(store, { onProgress, onRefusal, signal }).catch((error) => {
    if (signal.aborted) throw new RunStoppedError("interrupted", "interrupted while writing the output");
    throw error;
  });
  const report = await monitor.checkpoint("finished", store, { files, digests, refusals });
  await control.finish();
  await monitor.publishOutcome({ outcome: "finished", report }).catch(() => undefined);
  // A retry of failed items needs the work folder.
  if (report.items.failed === 0) {
    await store.close();
    await preserveCallTimings(dir);
    await rm(join(dir, WORK_FOLDER), { recursive: true, force: true });
  }
  return report;
}
