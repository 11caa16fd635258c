import { rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import type { Clock } from "#src/core/clock.ts";
import { coerceError, RunError } from "#src/core/errors.ts";
import type { Item } from "#src/core/item.ts";
import { formatLane, type Lane, type LaneLimits } from "#src/core/lane.ts";
import type { TokenCount, TokenPrice } from "#src/core/money.ts";
import type { Tracer } from "#src/core/tracer.ts";
import type { Limiter } from "#src/limiter/limiter.ts";
import type { AnswerResolver } from "#src/producer/cache/answer-resolver.ts";
import { readItemsFile } from "#src/producer/plan/read-items-file.ts";
import type { JobFactory } from "#src/producer/run-kinds/job-factory.ts";
import { CallTimings, preserveCallTimings } from "#src/producer/storage/call-timings.ts";
import type { RunStore } from "#src/producer/storage/ledger-store.ts";
import { WORK_FOLDER } from "#src/producer/storage/open-files.ts";
import { readFailures } from "#src/producer/storage/read-failures.ts";
import type { FailureFilter, ResetFailures } from "#src/producer/storage/reset-failures.ts";
import type { RedisSource } from "#src/redis/connection.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { WireRecord } from "#src/state/records/record-codec.ts";
import { RunControl } from "#src/state/runs/run-control.ts";
import { RunLedger } from "#src/state/runs/run-ledger.ts";
import { countCancelled } from "#src/state/telemetry/telemetry-writer.ts";
import { createRunBudget } from "./budget/run-budget.ts";
import { Coordinator, type CoordinatorEvent } from "./coordinator.ts";
import { RunQueues } from "./feeding/run-queues.ts";
import { acquireLease, type Lease } from "./lease.ts";
import type { PreparedRun } from "./prepare-run.ts";
import { RunMonitor } from "./progress/run-monitor.ts";
import type { RunSnapshot } from "./progress/run-snapshot.ts";
import { resetRunFailures } from "./reset-run-failures.ts";
import { RunStoppedError } from "./run-error.ts";
import type { RunManifest } from "./run-manifest.ts";

/** What is done in a run of one kind: where its records go, what its jobs are, and how its output is written. */
export interface RunWork<S extends RunStore<WireRecord>> {
  readonly openStore: () => Promise<S>;
  readonly jobs: JobFactory;
  /** Names of all queues that its jobs go to. */
  readonly queues: readonly string[];
  /** What is known already, or asked by others; opened for the time the run is coordinated. */
  openAnswerResolver?(store: S): Promise<AnswerResolver>;
  /** What a call may carry: says how many calls equal and cached items save. One by default. */
  readonly inputsPerCall?: number;
  /** The tokens an item may be charged; by default its own as input. */
  readonly estimate?: (item: Item) => TokenCount;
  /** Records have been stored; what only their jobs needed can go. */
  readonly onRecords?: (records: readonly WireRecord[]) => void;
  /** Writes the output of a complete run; resolves with the names of its files. May be killed and done again. */
  write(store: S, hooks: { readonly onProgress: () => void; readonly signal: AbortSignal }): Promise<readonly string[]>;
}

export interface ExecuteDeps {
  readonly redis: RedisSource;
  readonly keys: Keys;
  readonly limiter: Limiter;
  /** The lanes the run's models can use, with the limits in force and the "host:port" that their calls go to. */
  readonly lanes: readonly { readonly lane: Lane; readonly limits: LaneLimits; readonly address?: string }[];
  readonly windowSize: number;
  /** What all the run's models cost; absent when it is not known, or not the same for all of them. */
  readonly price?: TokenPrice;
  /** The most the run may cost, in the price's currency; needs `price`. */
  readonly maxCost?: number;
  /** Take back these failures first. */
  readonly retry?: FailureFilter;
  /** Records a span for each job; absent while traces are off. */
  readonly tracer?: Tracer;
  readonly clock: Clock;
  readonly onSnapshot: (snapshot: RunSnapshot) => void;
  readonly onEvent: (
    event: CoordinatorEvent | { readonly type: "waiting-for-lease"; readonly holder: string } | RetriedEvent,
  ) => void;
  /** See the coordinator's. */
  readonly onStopping?: () => Promise<void>;
  readonly signal: AbortSignal;
}

/** What became of the failures that were taken back, once the run has ended. */
export interface RetriedEvent {
  readonly type: "retried";
  /** Items taken back. */
  readonly items: number;
  /** Of these. */
  readonly succeeded: number;
  readonly failed: number;
}

/**
 * Brings a prepared run to its end and writes its output. Resolves with the final report. Throws `RunStopped` when
 * the run was interrupted or its lanes are parked; by then `run.json` says so, and the same command resumes.
 */
export async function executeRun<S extends RunStore<WireRecord>>(
  run: PreparedRun,
  work: RunWork<S>,
  deps: ExecuteDeps,
): Promise<RunManifest> {
  const { redis, keys, clock, signal } = deps;
  const client = redis.connect("commands");
  const control = new RunControl(client, keys, run.manifest.run);
  const ledger = new RunLedger(client, keys.run(run.manifest.run));
  const lease = await acquireLease(control, clock, {
    signal,
    onWait: (holder) => deps.onEvent({ type: "waiting-for-lease", holder }),
  });
  let store: S | undefined;
  let reset: ResetFailures | undefined;
  const monitorDeps = { ...deps, ledger, client, inputsPerCall: work.inputsPerCall ?? 1 };
  let monitor = new RunMonitor(run.manifest, monitorDeps);
  try {
    if (deps.retry) {
      const context = { control, blocking: redis.connect("blocking") };
      reset = await resetRunFailures(run, work.openStore, context, deps.retry);
      const { finishedAt: _, ...manifest } = run.manifest;
      monitor = new RunMonitor({ ...manifest, failuresByKind: reset.kept }, monitorDeps);
    }
    store = await work.openStore();
    if (store.counts().failed > 0) await monitor.failures.recordStored(readFailures(run.dir, store.items));
    await control.register(Date.parse(run.manifest.createdAt));
    await control.updateMeta(describeRun(run, deps));
    for (const { lane } of deps.lanes) await deps.limiter.unpark(lane);
    if (store.counts().missing > 0) {
      await coordinate(run, store, work, { control, lease, monitor }, deps).catch(async (error) => {
        if (!(error instanceof RunStoppedError && error.reason === "cancelled")) throw error;
        if (!store) return;
        const cancelled = await cancelRemaining(store);
        monitor.failures.recordFailures(cancelled);
        await countCancelled(client, keys, cancelled.length).catch(() => undefined);
      });
    }
    const report = await finish(run, store, work, { control, monitor }, deps);
    if (reset) deps.onEvent(await createRetriedEvent(run.dir, reset, report));
    return report;
  } catch (error) {
    if (!(error instanceof RunStoppedError && error.reason === "lost-lease")) {
      if (store) await monitor.checkpoint(run.dir, "stopped", store).catch(() => undefined);
      // Workers elsewhere stop spending on a run whose coordinator was told to stop.
      await control.requestTransition("stop").catch(() => undefined);
      await monitor.publishOutcome({ outcome: "stopped", ...describeStopReason(error) }).catch(() => undefined);
    }
    throw error;
  } finally {
    await store?.close().catch(() => undefined);
    await lease.release().catch(() => undefined);
  }
}

async function createRetriedEvent(
  dir: string,
  reset: ResetFailures,
  { items }: Pick<RunManifest, "items">,
): Promise<RetriedEvent> {
  let failed = 0;
  // Without a failure the folder that held them is gone.
  if (items.failed > 0 && reset.count > 0) {
    for await (const stored of readFailures(dir, items.total)) {
      failed += stored.filter(({ index }) => reset.has(index)).length;
    }
  }
  return { type: "retried", items: reset.count, succeeded: reset.count - failed, failed };
}

/** What screens can tell of a run before its coordinator has told how far it is. */
function describeRun({ dir, manifest }: PreparedRun, { lanes }: Pick<ExecuteDeps, "lanes">) {
  const names = lanes.map(({ lane }) => formatLane(lane));
  return {
    kind: manifest.kind,
    model: manifest.model,
    dir,
    host: hostname(),
    lanes: JSON.stringify(names),
  };
}

interface RunContext {
  readonly control: RunControl;
  readonly lease: Lease;
  readonly monitor: RunMonitor;
}

async function coordinate<S extends RunStore<WireRecord>>(
  run: PreparedRun,
  store: S,
  work: RunWork<S>,
  context: RunContext,
  deps: ExecuteDeps,
): Promise<void> {
  const { control, lease, monitor } = context;
  const queues = new RunQueues(deps.redis, deps.keys, work.queues, deps.tracer);
  const resolver = await work.openAnswerResolver?.(store);
  const calls = await CallTimings.open(run.dir, Date.parse(run.manifest.createdAt)).catch(() => undefined);
  try {
    await control.requestTransition("start");
    const { price, maxCost: cap } = deps;
    const budget =
      price && cap !== undefined
        ? createRunBudget({
            cap,
            price,
            spent: monitor.spent(store),
            estimate: work.estimate,
          })
        : undefined;
    await monitor.checkpoint(run.dir, "running", store);
    // A run that was parked or stopped left its jobs delayed; the person who started it again does not want to wait.
    await queues.promoteDelayed();
    await new Coordinator({
      control,
      lease,
      queues,
      blocking: deps.redis.connect("blocking"),
      store,
      clock: deps.clock,
      readItems: (from) => readItemsFile(run.itemsFile, { from }),
      jobs: work.jobs,
      windowSize: deps.windowSize,
      counters: () => monitor.counters(),
      onTick: ({ inFlight, isPaused }) => monitor.tick(run.dir, store, inFlight, isPaused),
      countCallsInFlight: () => monitor.countCallsInFlight(),
      budget,
      resolver,
      onRecords: (records) => {
        monitor.failures.recordFailures(records, store.duplicates);
        budget?.recordResults(records);
        work.onRecords?.(records);
        resolver?.recordResults(records);
        calls?.recordCalls(records);
      },
      onEvent: deps.onEvent,
      onStopping: deps.onStopping,
      signal: deps.signal,
    }).run();
  } finally {
    await resolver?.close();
    await calls?.close();
    await queues.close();
  }
}

async function finish<S extends RunStore<WireRecord>>(
  run: PreparedRun,
  store: S,
  work: RunWork<S>,
  { control, monitor }: Omit<RunContext, "lease">,
  deps: ExecuteDeps,
): Promise<RunManifest> {
  await monitor.checkpoint(run.dir, "writing", store);
  await monitor.snapshot("finishing", store, 0);
  const files = await work
    .write(store, {
      onProgress: () => void monitor.snapshot("finishing", store, 0),
      signal: deps.signal,
    })
    .catch((error) => {
      if (deps.signal.aborted) throw new RunStoppedError("interrupted", "interrupted while writing the output");
      throw error;
    });
  const report = await monitor.checkpoint(run.dir, "finished", store, files);
  await control.finish();
  await monitor.publishOutcome({ outcome: "finished", report }).catch(() => undefined);
  // Failed items can be retried as long as the folder is there; see `sluice retry`.
  if (report.items.failed === 0) await removeWorkFolder(run.dir, store);
  return report;
}

async function removeWorkFolder(dir: string, store: RunStore<WireRecord>): Promise<void> {
  await store.close();
  await preserveCallTimings(dir);
  await rm(join(dir, WORK_FOLDER), { recursive: true, force: true });
}

/** Records per write; a run of millions may be cancelled at its first item. */
const CANCEL_STEP = 10_000;

/** Gives every item without a record one that says that its run was cancelled. */
async function cancelRemaining(store: RunStore<WireRecord>): Promise<WireRecord[]> {
  const cancelled: WireRecord[] = [];
  const failure = {
    kind: "cancelled",
    message: "the run was cancelled before this item had a record",
  } as const;
  for (const { start, end } of [...store.missing()]) {
    for (let index = start; index < end; index++) {
      cancelled.push({ index, attempts: 0, tokens: 0, failure });
    }
  }
  for (let at = 0; at < cancelled.length; at += CANCEL_STEP) {
    await store.write(cancelled.slice(at, at + CANCEL_STEP));
    await store.sync();
  }
  return cancelled;
}

function describeStopReason(thrown: unknown): { message: string; hint?: string; reason?: string } {
  const { message } = coerceError(thrown);
  return {
    message,
    hint: thrown instanceof RunError && thrown.hint !== undefined ? thrown.hint : undefined,
    reason: thrown instanceof RunStoppedError ? thrown.reason : undefined,
  };
}
