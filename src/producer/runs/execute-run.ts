import { hostname } from "node:os";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { CallDurations } from "#src/core/call-durations.ts";
import { formatLane } from "#src/core/lane.ts";
import type { JobFactory } from "#src/producer/run-kinds/job-factory.ts";
import type { PreparedRun, RunExecution, RunParts } from "#src/producer/run-kinds/run-kind.ts";
import { countFailedResets, listFailureGroups, type ResetRecords } from "#src/producer/storage/failure-rows.ts";
import { readProperty } from "#src/producer/storage/properties.ts";
import { readItems } from "#src/producer/storage/read-items.ts";
import { getRunDatabasePath } from "#src/producer/storage/run-database.ts";
import type { RunStore } from "#src/producer/storage/run-store.ts";
import { VECTOR_FILE } from "#src/producer/storage/vectors/vector-file.ts";
import { WORK_FOLDER } from "#src/producer/storage/work-folder.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { type Rejection, RejectionRetry, retryRejected } from "#src/redis/write-rejection.ts";
import { RunControl } from "#src/state/runs/run-control.ts";
import { RunLedger } from "#src/state/runs/run-ledger.ts";
import { countCancelled } from "#src/state/telemetry/telemetry-writer.ts";
import { AttemptArchive } from "./attempt-archive.ts";
import { createRunBudget, type RunBudget } from "./budget/run-budget.ts";
import { cancelMissingItems } from "./cancel-missing-items.ts";
import { commandLine } from "./command-line.ts";
import { Coordinator } from "./coordinator.ts";
import { RunQueues } from "./feeding/run-queues.ts";
import { finishRun } from "./finish-run.ts";
import { FolderGuard } from "./folder/folder-guard.ts";
import { restoreFolder } from "./folder/restore-folder.ts";
import { acquireLease, type Lease } from "./lease.ts";
import { OffPeakHold } from "./off-peak-hold.ts";
import { OutputTask } from "./output-task.ts";
import { RunMonitor } from "./progress/run-monitor.ts";
import { RunWatchdog } from "./progress/run-watchdog.ts";
import { resetRunFailures } from "./reset-run-failures.ts";
import type { ExecutionEvent, RunContext, RunEnvironment } from "./run-environment.ts";
import { describeStopReason, isStoppedBy } from "./run-error.ts";
import type { RunManifest } from "./run-manifest.ts";

/** One run between taking and releasing its lease. */
interface LeasedRun {
  readonly run: PreparedRun;
  readonly parts: RunParts;
  readonly inputsPerCall: number;
  readonly client: RedisClient;
  readonly control: RunControl;
  /** Does not retry: a run that has failed does not wait for Redis. */
  readonly unretriedControl: RunControl;
  readonly lease: Lease;
  /** Commands that Redis rejects for now are retried with it. */
  readonly rejectionRetry: RejectionRetry;
  readonly environment: RunEnvironment;
}

/**
 * Processes a prepared run and writes its output. Resolves with the final manifest. Throws a RunStoppedError if the run
 * was interrupted or its lanes are parked; `run.json` then says so, and the same command resumes the run.
 */
export async function executeRun<M extends RunManifest>(
  run: PreparedRun<M>,
  kind: Pick<RunExecution<M>, "open" | "getInputsPerCall">,
  environment: RunEnvironment,
): Promise<RunManifest> {
  const { redis, keys, clock, signal, onEvent } = environment;
  const client = redis.connect("commands");
  const control = new RunControl(client, keys, run.manifest.run);
  const retry = new RejectionRetry({ clock, signal, onChange: (rejection) => onEvent(describeRejection(rejection)) });
  const onWait = (holder: string) => onEvent({ type: "waiting-for-lease", holder });
  // A run whose workers cannot write makes no writes itself, but for its lease.
  const onRenewal = (renewal: () => Promise<void>) => retry.observe(renewal);
  const lease = await retry.run(() => acquireLease(control, clock, { signal, onWait, onRenewal }));
  try {
    const notify = (message: string) => onEvent({ type: "note", message });
    const parts = kind.open(run, { client, keys, clock, notify });
    const inputsPerCall = kind.getInputsPerCall(run.manifest);
    const leased = { run, parts, inputsPerCall, client, lease, rejectionRetry: retry, environment };
    return await executeLeasedRun({ ...leased, control: retryRejected(control, retry), unretriedControl: control });
  } finally {
    await lease.release().catch(() => undefined);
  }
}

async function executeLeasedRun(leased: LeasedRun): Promise<RunManifest> {
  const { run, parts, control, unretriedControl, environment } = leased;
  const { lanes, retry, onEvent } = environment;
  const limiter = retryRejected(environment.limiter, leased.rejectionRetry);
  let monitor = createMonitor(leased, run.manifest);
  let store: RunStore | undefined;
  let output: OutputTask | undefined;
  let reset: ResetRecords | undefined;
  try {
    if (retry) {
      const blocking = environment.redis.connect("blocking");
      reset = await resetRunFailures(run, () => parts.records.openStore(), { control, blocking }, retry);
      const { finishedAt: _, ...manifest } = run.manifest;
      monitor = createMonitor(leased, { ...manifest, failuresByKind: reset.kept });
    }
    store = await parts.records.openStore();
    // A retry has removed records on purpose.
    const lost = reset === undefined ? describeLostRecords(run, store) : [];
    for (const message of [...store.notes, ...lost]) onEvent({ type: "note", message });
    if (store.counts().failed > 0) monitor.failures.recordStored(listFailureGroups(store.database));
    await Promise.all([
      control.register(Date.parse(run.manifest.createdAt)),
      control.updateMeta(describeRunForLists(run, environment, store.database)),
      ...lanes.map(({ lane }) => limiter.unpark(lane)),
    ]);
    output = new OutputTask(parts, store);
    if (store.counts().missing > 0) await coordinateOrCancel(leased, store, monitor);
    const retried = reset && { items: reset.count, failed: countFailedResets(store.database) };
    const { signal, keepDatabase } = environment;
    const report = await finishRun(run, store, output, { control, monitor, signal, keepDatabase });
    if (retried) onEvent({ type: "retried", ...retried, succeeded: retried.items - retried.failed });
    return report;
  } catch (error) {
    await output?.cancel();
    if (!isStoppedBy(error, "lost-lease")) {
      if (store) await monitor.checkpoint("stopped", store).catch(() => undefined);
      // Workers elsewhere must stop spending on a run without a coordinator.
      await unretriedControl.requestTransition("stop").catch(() => undefined);
      await monitor.publishOutcome({ outcome: "stopped", ...describeStopReason(error) }).catch(() => undefined);
    }
    throw error;
  } finally {
    await store?.close().catch(() => undefined);
  }
}

function createMonitor({ run, inputsPerCall, client, environment }: LeasedRun, manifest: RunManifest): RunMonitor {
  const ledger = new RunLedger(client, environment.keys.run(manifest.run));
  return new RunMonitor({ dir: run.dir, manifest }, { ...environment, client, ledger, inputsPerCall });
}

/** What lists show of a run before its coordinator publishes a snapshot. */
function describeRunForLists({ dir, manifest }: PreparedRun, { lanes }: RunEnvironment, database: DatabaseSync) {
  const { kind, model, name = "", note = "" } = manifest;
  const names = lanes.map(({ lane }) => formatLane(lane));
  const { args = [], cwd = "" } = readProperty(database, "command", commandLine) ?? {};
  const command = JSON.stringify({ args, cwd });
  return { kind, model, name, note, dir, host: hostname(), lanes: JSON.stringify(names), command };
}

/** Coordinates the run. If it is cancelled meanwhile, the items without a record get an error record. */
async function coordinateOrCancel(leased: LeasedRun, store: RunStore, monitor: RunMonitor): Promise<void> {
  try {
    await coordinate(leased, store, monitor);
  } catch (error) {
    if (!isStoppedBy(error, "cancelled")) throw error;
    const cancelled = await cancelMissingItems(store);
    monitor.failures.recordFailures(cancelled);
    await countCancelled(leased.client, leased.environment.keys, cancelled.length).catch(() => undefined);
  }
}

async function coordinate(leased: LeasedRun, store: RunStore, monitor: RunMonitor): Promise<void> {
  const { run, lease, environment } = leased;
  const { jobs, records } = leased.parts;
  const failure = new AbortController();
  const retry = leased.rejectionRetry.until(failure.signal);
  const control = retryRejected(leased.unretriedControl, retry);
  const openedQueues = new RunQueues(environment.redis, environment.keys, jobs.queues, environment);
  const queues = retryRejected(openedQueues, retry);
  const resolver = await records.openAnswerResolver?.(store);
  const attempts = new AttemptArchive(leased.client, environment.keys, run.manifest.run, store.database);
  const durations = new CallDurations();
  const { clock, windowSize, onStopping, signal, onEvent } = environment;
  const [folder, watchdog] = [await FolderGuard.open(listGuardedPaths(run.dir), clock), new RunWatchdog(environment)];
  try {
    // Before the start: workers may take jobs that are still queued.
    const hold = await startHold(environment, control);
    await control.requestTransition("start");
    const budget = createBudget(leased, () => monitor.spent(store));
    await retry.run(() => monitor.checkpoint("running", store));
    // Jobs of a run that was parked or stopped are delayed; the user who started it again should not have to wait.
    await queues.promoteDelayed();
    const context: RunContext = {
      clock,
      windowSize,
      onStopping: async () => {
        onEvent({ type: "note", message: describeWait(monitor.countCallsInFlight(), durations, environment.graceMs) });
        await onStopping?.();
      },
      signal,
      failure,
      onEvent,
      control,
      hold,
      lease: { ...lease, renew: () => retry.run(() => lease.renew()) },
      queues,
      store,
      budget,
      resolver,
      blocking: environment.redis.connect("blocking"),
      readItems: (from) => readItems(run.dir, { from }),
      jobs: retryJobCreation(jobs.factory, retry),
      checkFolder: () => folder.check(),
      counters: () => monitor.counters(),
      onOpened: (hasLostCounts) => monitor.recordOpening(hasLostCounts),
      countCallsInFlight: () => monitor.countCallsInFlight(),
      usualCallMs: () => durations.usualMs,
      onTick: async (tick) => {
        await folder.checkRegularly();
        await attempts.copyRegularly(clock.monotonic());
        await retry.run(() => monitor.tick(store, tick));
        watchdog.observe(monitor.describeActivity(store, tick), retry);
      },
      onRecords: (stored) => {
        monitor.failures.recordFailures(stored, store.duplicates);
        monitor.recordCost(stored);
        budget?.recordResults(stored);
        records.onStored?.(stored);
        resolver?.recordResults(stored);
        for (const { call } of stored) if (call) durations.add(call.durationMs);
      },
    };
    await new Coordinator(context).run();
  } catch (error) {
    throw isStoppedBy(error, "lost-lease") ? error : await restoreFolder(store, folder, error);
  } finally {
    watchdog.stop();
    await resolver?.close();
    await attempts.copy().catch(() => undefined);
    await openedQueues.close();
  }
}

function retryJobCreation(factory: JobFactory, retry: RejectionRetry): JobFactory {
  return { ...factory, createJob: (items) => retry.run(async () => await factory.createJob(items)) };
}

/** The run's own files. Without its WAL, a database lacks the latest records. */
function listGuardedPaths(dir: string): string[] {
  const [database, work] = [getRunDatabasePath(dir), join(dir, WORK_FOLDER)];
  return [work, join(work, VECTOR_FILE), database, `${database}-wal`];
}

/** A note when records that the last checkpoint counted are not on disk any more: their items are requested again. */
function describeLostRecords({ manifest: { items } }: PreparedRun, store: RunStore): string[] {
  const lost = store.counts().missing - items.missing;
  if (lost <= 0 || store.notes.length > 0) return [];
  return [
    `${lost} records of this run are damaged or missing in ${getRunDatabasePath(store.dir)}, which happens if its -wal file is deleted; their items are requested again`,
  ];
}

function createBudget(
  { parts: { jobs }, environment: { price, maxCost: cap, clock } }: LeasedRun,
  readSpent: () => number,
): RunBudget | undefined {
  if (!price || cap === undefined) return undefined;
  return createRunBudget({ cap, price, readSpent, estimate: jobs.estimateTokens, now: () => clock.now() });
}

async function startHold(environment: RunEnvironment, control: RunControl): Promise<OffPeakHold> {
  const { findOffPeak, clock, onEvent } = environment;
  const notify = (message: string) => onEvent({ type: "note", message });
  const hold = new OffPeakHold({ findOffPeak, clock, control, notify });
  await hold.update();
  return hold;
}

function describeWait(calls: number, { usualMs }: CallDurations, graceMs: number | undefined): string {
  const inFlight = `calls in flight: ${Math.max(0, calls)}`;
  if (usualMs === undefined || calls <= 0) return inFlight;
  const usual = `${inFlight}; calls of this run usually take ${formatSeconds(usualMs)}`;
  if (graceMs === undefined || usualMs <= graceMs) return usual;
  return `${usual}, but workers wait ${formatSeconds(graceMs)}. Calls that are cut may be paid and are made again; worker.grace sets the time`;
}

function formatSeconds(ms: number): string {
  return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}

function describeRejection(rejection: Rejection | undefined): ExecutionEvent {
  const message = rejection
    ? `Redis rejects commands: ${rejection.reason} (${rejection.code}). The run waits and then continues. ${rejection.hint}`
    : "Redis accepts commands again";
  return { type: "note", message };
}
