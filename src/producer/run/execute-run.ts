import { rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { Queue } from "bullmq";
import type { Clock } from "../../core/clock.ts";
import type { Lane, LaneLimits } from "../../core/lane.ts";
import type { Limiter } from "../../limiter/limiter.ts";
import { QUEUE_SETTINGS, queueName } from "../../queue/names.ts";
import { RunControl } from "../../queue/run-control.ts";
import { RunLedger } from "../../queue/run-ledger.ts";
import type { RedisSource } from "../../redis/connection.ts";
import type { Keys } from "../../redis/keys.ts";
import { readSpool } from "../plan/read-spool.ts";
import type { RunSnapshot } from "../run-snapshot.ts";
import { finalize } from "../sink/finalize.ts";
import { WORK_FOLDER } from "../sink/open-files.ts";
import { openRecordStore, type RecordStore } from "../sink/record-store.ts";
import { Coordinator, type CoordinatorEvent } from "./coordinator.ts";
import { type Lease, takeLease } from "./lease.ts";
import type { PreparedRun } from "./prepare-run.ts";
import { RunStopped } from "./run-error.ts";
import type { RunManifest } from "./run-manifest.ts";
import { RunWatch } from "./run-watch.ts";

export interface ExecuteDeps {
  readonly redis: RedisSource;
  readonly keys: Keys;
  readonly limiter: Limiter;
  /** The lanes the run's model can use, with the limits in force. */
  readonly lanes: readonly { readonly lane: Lane; readonly limits: LaneLimits }[];
  /** Inputs of one upstream call. */
  readonly batchInputs: number;
  readonly windowSize: number;
  readonly price?: { readonly perMillionTokens: number; readonly currency: string };
  readonly clock: Clock;
  readonly onSnapshot: (snapshot: RunSnapshot) => void;
  readonly onEvent: (
    event: CoordinatorEvent | { readonly type: "waiting-for-lease"; readonly holder: string },
  ) => void;
  readonly signal: AbortSignal;
}

/**
 * Brings a prepared run to its end and writes its output. Resolves with the final report. Throws `RunStopped` when
 * the run was interrupted or its lanes are parked; by then `run.json` says so, and the same command resumes.
 */
export async function executeRun(run: PreparedRun, deps: ExecuteDeps): Promise<RunManifest> {
  const { redis, keys, clock, signal } = deps;
  const client = redis.connect("commands");
  const control = new RunControl(client, keys, run.manifest.run);
  const ledger = new RunLedger(client, keys.run(run.manifest.run));
  const lease = await takeLease(control, clock, {
    signal,
    onWait: (holder) => deps.onEvent({ type: "waiting-for-lease", holder }),
  });
  let store: RecordStore | undefined;
  const watch = new RunWatch(run.manifest, { ...deps, ledger, client });
  try {
    store = await openRecordStore(run.dir, {
      items: run.manifest.items.total,
      ...(run.manifest.dimensions === undefined ? {} : { dimensions: run.manifest.dimensions }),
    });
    await control.register(Date.parse(run.manifest.createdAt));
    await control.describe({ model: run.manifest.model, dir: run.dir, host: hostname() });
    for (const { lane } of deps.lanes) await deps.limiter.unpark(lane);
    if (store.counts().missing > 0) await coordinate(run, store, { control, lease, watch }, deps);
    return await finish(run, store, { control, watch }, deps);
  } catch (error) {
    if (!(error instanceof RunStopped && error.reason === "lost-lease")) {
      if (store) await watch.checkpoint(run.dir, "stopped", store).catch(() => undefined);
      // Workers elsewhere stop spending on a run whose coordinator was told to stop.
      await control.setState("paused").catch(() => undefined);
    }
    throw error;
  } finally {
    await store?.close().catch(() => undefined);
    await lease.release().catch(() => undefined);
  }
}

interface Parts {
  readonly control: RunControl;
  readonly lease: Lease;
  readonly watch: RunWatch;
}

async function coordinate(
  run: PreparedRun,
  store: RecordStore,
  parts: Parts,
  deps: ExecuteDeps,
): Promise<void> {
  const { control, lease, watch } = parts;
  const { provider, model } = run;
  const name = queueName(provider, "embedding");
  const queue = new Queue(name, {
    connection: deps.redis.connect("bullmq"),
    prefix: deps.keys.queuePrefix(name),
    streams: { events: { maxLen: QUEUE_SETTINGS.eventsMaxLength } },
  });
  queue.on("error", () => undefined);
  try {
    await control.setState("running");
    await watch.checkpoint(run.dir, "running", store);
    // A run that was parked or stopped left its jobs delayed; the person who started it again does not want to wait.
    await queue.promoteJobs();
    await new Coordinator({
      control,
      lease,
      queue,
      blocking: deps.redis.connect("blocking"),
      store,
      clock: deps.clock,
      readItems: (from) => readSpool(run.spool, { from }),
      payload: { run: run.manifest.run, provider, model, purpose: run.manifest.type },
      windowSize: deps.windowSize,
      batchInputs: deps.batchInputs,
      counters: () => watch.counters(),
      onTick: ({ inFlight }) => watch.tick(run.dir, store, inFlight),
      onRecords: (records) => watch.noteRecords(records),
      onEvent: deps.onEvent,
      signal: deps.signal,
    }).run();
  } finally {
    await queue.close().catch(() => undefined);
  }
}

async function finish(
  run: PreparedRun,
  store: RecordStore,
  { control, watch }: Omit<Parts, "lease">,
  deps: ExecuteDeps,
): Promise<RunManifest> {
  const { format, withText } = run.manifest.output;
  await watch.checkpoint(run.dir, "writing", store);
  await watch.snapshot("finishing", store, 0);
  const { files } = await finalize(store, readSpool(run.spool), run.dir, {
    format,
    withText,
    run: run.manifest.run,
    model: run.manifest.model,
    onProgress: () => void watch.snapshot("finishing", store, 0),
    signal: deps.signal,
  }).catch((error) => {
    if (deps.signal.aborted) throw new RunStopped("interrupted", "interrupted while writing the output");
    throw error;
  });
  const report = await watch.checkpoint(run.dir, "finished", store, files);
  await control.finish();
  await removeWorkFolder(run.dir, store);
  return report;
}

async function removeWorkFolder(dir: string, store: RecordStore): Promise<void> {
  await store.close();
  await rm(join(dir, WORK_FOLDER), { recursive: true, force: true });
}
