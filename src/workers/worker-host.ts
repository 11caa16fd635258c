import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { Job } from "bullmq";
import { CallDurations } from "#src/core/call-durations.ts";
import { type Clock, systemClock } from "#src/core/clock.ts";
import { coerceError } from "#src/core/failures/errors.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { Tracer } from "#src/core/tracer.ts";
import { LIMITER_DEFAULTS, type Limiter } from "#src/limiter/limiter.ts";
import type { ChatModel, EmbeddingModel, RerankModel } from "#src/providers/provider.ts";
import { type JobKind, type JobPriority, queueName } from "#src/queues/names.ts";
import type { RedisSource } from "#src/redis/connection.ts";
import type { Keys } from "#src/redis/keys.ts";
import { TelemetryWriter } from "#src/state/telemetry/telemetry-writer.ts";
import { batchSettlements } from "./calls/batched-settlements.ts";
import { type CallObserver, observeCalls, observeDurations } from "./calls/call-observer.ts";
import { combineObservers, traceCalls } from "./calls/trace-calls.ts";
import { closeOrGiveUp } from "./close-or-give-up.ts";
import { DispatcherRegistry } from "./dispatch/dispatcher-registry.ts";
import type { ModelLane } from "./dispatch/lane-chooser.ts";
import type { HangSettings } from "./hanging/hang-detector.ts";
import { Heartbeat } from "./heartbeat.ts";
import { JobLocks } from "./jobs/job-locks.ts";
import { type JobDeps, processJob } from "./jobs/process-job.ts";
import { QueueWatchdog } from "./jobs/queue-watchdog.ts";
import { ReturnToQueue } from "./jobs/return-to-queue.ts";
import { RunLedgerCache } from "./jobs/run-ledger-cache.ts";
import { RunStateWatcher } from "./jobs/run-state-watcher.ts";
import { type QueueWorker, type QueueWorkerDeps, startQueueWorker } from "./jobs/start-queue-worker.ts";
import type { WorkerLog } from "./worker-log.ts";

export interface Capability {
  readonly provider: string;
  readonly kind: JobKind;
}

export interface WorkerOptions {
  /** Jobs held at once per queue; batches are packed from their inputs. */
  readonly jobs: number;
  /** Upstream calls in flight at once per model, whatever the lanes allow; by default as many as memory allows. */
  readonly calls?: number;
  readonly lingerMs: number;
  /** How long calls in flight may continue after a stop was requested. */
  readonly graceMs: number;
  readonly hanging: Partial<HangSettings>;
}

export const WORKER_DEFAULTS: WorkerOptions = { jobs: 100, lingerMs: 15, graceMs: 20_000, hanging: {} };

export interface WorkerDeps {
  readonly redis: RedisSource;
  readonly keys: Keys;
  readonly limiter: Limiter;
  /** Providers and kinds that this worker has credentials for; they decide which queues it serves. */
  readonly capabilities: readonly Capability[];
  /** The lanes of a model that this worker has credentials for; empty when it does not know the model. */
  readonly embeddingLanes: (provider: string, model: string) => readonly ModelLane<EmbeddingModel>[];
  readonly chatLanes: (provider: string, model: string) => readonly ModelLane<ChatModel>[];
  readonly rerankLanes?: (provider: string, model: string) => readonly ModelLane<RerankModel>[];
  readonly version: string;
  readonly log: WorkerLog;
  readonly tracer?: Tracer;
  readonly clock?: Clock;
  /** Called with the reason every few seconds while the worker takes no jobs although it could; it needs new connections then. */
  readonly onStuck?: (reason: string) => void;
  readonly options?: Partial<WorkerOptions>;
}

export interface WorkerHost {
  readonly id: string;
  /** Resolves when the worker takes jobs. */
  readonly ready: Promise<void>;
  /**
   * Stops taking jobs, returns inputs that are not in a call to the queue, lets calls in flight finish within the grace
   * period, and closes. Costs no item an attempt. Idempotent. Resolves with false at the end of the grace period if
   * Redis is unavailable, or, if closing hangs, 10 s after the calls have ended and at most 5 s after the grace period: jobs
   * and connections are not closed then.
   */
  stop(): Promise<boolean>;
}

const PRIORITIES: readonly JobPriority[] = ["interactive", "bulk"];

/** Starts a worker: one BullMQ worker per queue takes jobs, dispatchers call providers, and ledgers commit records. */
export function startWorker(deps: WorkerDeps): WorkerHost {
  const { redis, keys, limiter, capabilities, version, log, tracer, clock = systemClock } = deps;
  const options = { ...WORKER_DEFAULTS, ...omitUndefined(deps.options ?? {}) };
  const id = `${hostname()}-${process.pid}-${randomBytes(3).toString("hex")}`;
  const client = redis.connect("commands");
  const locks = new JobLocks(clock);
  const graceEnded = new AbortController();
  const telemetry = new TelemetryWriter(client, keys, {
    onError: (error) => log.debug("could not write telemetry", { error: error.message }),
  });
  const durations = new CallDurations();
  const observer = createObserver(telemetry, id, durations, tracer);
  const commitDeps = { clock, log, signal: graceEnded.signal, observer };
  const dispatchers = new DispatcherRegistry({
    ...deps,
    ...options,
    ...commitDeps,
    limiter: batchSettlements(limiter),
    ...{ client, worker: id },
    canCall: () => locks.areFresh(),
  });
  const stateWatcher = new RunStateWatcher({
    client,
    keys,
    log,
    returnToQueue: (reason, ownerId) => dispatchers.returnToQueue(reason, ownerId),
  });
  const heartbeat = new Heartbeat({
    client,
    keys,
    log,
    worker: id,
    version,
    queues: capabilities.map(({ provider, kind }) => queueName(provider, kind)),
    load: () => ({ jobs: locks.count, calls: dispatchers.countCallsInFlight() }),
    laneLimits: () => dispatchers.laneLimits(),
  });
  let stopping: Promise<boolean> | undefined;
  const ledgers = new RunLedgerCache(client, keys);
  const isStopping = () => stopping !== undefined;
  const jobDeps: JobDeps = { client, keys, dispatchers, ledgers, stateWatcher, commitDeps, tracer, isStopping };
  const workers = startQueueWorkers(
    capabilities,
    { redis, keys, log, locks, concurrency: options.jobs },
    (job, signal, isInteractive) => {
      heartbeat.recordClaim();
      return processJob(job, signal, isInteractive, jobDeps);
    },
  );
  const watchdog = new QueueWatchdog({ ...deps, client, clock, workers });
  const renewalTimer = setInterval(() => renewReservations(dispatchers, limiter, log), LIMITER_DEFAULTS.leaseMs / 4);

  const close = async (onCallsEnded: () => void) => {
    watchdog.stop();
    const calls = dispatchers.countCallsInFlight();
    if (calls > 0) log.info("worker waits for calls in flight", describeWait(calls, durations, options.graceMs));
    await stopJobs(workers, dispatchers, graceEnded, options.graceMs, onCallsEnded);
    stateWatcher.stop();
    clearInterval(renewalTimer);
    await telemetry.stop();
    await heartbeat.stop();
  };
  return {
    id,
    ready: Promise.all(workers.map(({ worker }) => worker.waitUntilReady())).then(() => heartbeat.start()),
    stop() {
      stopping ??= closeOrGiveUp(close, client, clock, options.graceMs);
      return stopping;
    },
  };
}

function createObserver(
  telemetry: TelemetryWriter,
  worker: string,
  durations: CallDurations,
  tracer: Tracer | undefined,
): CallObserver {
  const observer = combineObservers(observeCalls(telemetry, worker), observeDurations(durations));
  return tracer ? combineObservers(observer, traceCalls(tracer)) : observer;
}

function startQueueWorkers(
  capabilities: readonly Capability[],
  deps: Omit<QueueWorkerDeps, "processJob">,
  process: (job: Job, signal: AbortSignal | undefined, isInteractive: boolean) => Promise<void>,
): QueueWorker[] {
  return capabilities.flatMap(({ provider, kind }) =>
    PRIORITIES.map((priority) =>
      startQueueWorker(queueName(provider, kind, priority), {
        ...deps,
        processJob: (job, signal) => process(job, signal, priority === "interactive"),
      }),
    ),
  );
}

/** Fields of the log line about a stop. The hint says how to avoid that calls are cut and paid again. */
function describeWait(calls: number, { usualMs }: CallDurations, graceMs: number): Record<string, unknown> {
  const willCut = usualMs !== undefined && usualMs > graceMs;
  return omitUndefined({
    calls,
    graceMs,
    usualMs: usualMs === undefined ? undefined : Math.round(usualMs),
    hint: willCut
      ? "calls usually take longer than worker.grace: those that are cut may be paid, and are made again"
      : undefined,
  });
}

/** Takes no further job, and ends those that are held. Aborts `graceEnded` when calls in flight take too long. */
async function stopJobs(
  workers: readonly QueueWorker[],
  dispatchers: DispatcherRegistry,
  graceEnded: AbortController,
  graceMs: number,
  onCallsEnded: () => void,
): Promise<void> {
  const reason = new ReturnToQueue("the worker is stopping");
  const pausing = Promise.all(workers.map(({ worker }) => worker.pause(true)));
  const timer = setTimeout(() => graceEnded.abort(reason), graceMs);
  await dispatchers.stop(reason);
  clearTimeout(timer);
  onCallsEnded();
  await pausing;
  // Closing waits for the processors, which now only return their jobs to the queue.
  await Promise.all(workers.map(({ worker }) => worker.close()));
}

function renewReservations(dispatchers: DispatcherRegistry, limiter: Limiter, log: WorkerLog): void {
  for (const [lane, ids] of dispatchers.inFlight()) {
    limiter
      .renew(lane, ids)
      .catch((error) => log.warn("could not renew reservations", { error: coerceError(error).message }));
  }
}
