import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { DelayedError, type Job, UnrecoverableError, WaitingError, Worker } from "bullmq";
import { type Clock, systemClock } from "#src/core/clock.ts";
import { coerceError } from "#src/core/errors.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { Tracer } from "#src/core/tracer.ts";
import type { Limiter } from "#src/limiter/limiter.ts";
import { LIMITER_DEFAULTS } from "#src/limiter/limiter.ts";
import type { ChatModel, EmbeddingModel } from "#src/providers/provider.ts";
import {
  FINISHED_JOB_RETENTION,
  type JobKind,
  type JobPriority,
  QUEUE_SETTINGS,
  queueName,
} from "#src/queues/names.ts";
import { parsePayload } from "#src/queues/payload.ts";
import type { RedisSource } from "#src/redis/connection.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { ItemLedger } from "#src/state/items/item-ledger.ts";
import { TelemetryWriter } from "#src/state/telemetry/telemetry-writer.ts";
import { batchSettlements } from "./calls/batched-settlements.ts";
import { type CallObserver, observeCalls } from "./calls/call-observer.ts";
import { combineObservers, traceCalls } from "./calls/trace-calls.ts";
import { DispatcherRegistry } from "./dispatch/dispatcher-registry.ts";
import type { ModelLane } from "./dispatch/lane-chooser.ts";
import { Heartbeat } from "./heartbeat.ts";
import { ReturnToQueue } from "./jobs/job-completion.ts";
import { processChatJob } from "./jobs/process-chat-job.ts";
import { processEmbeddingJob } from "./jobs/process-embedding-job.ts";
import { RunLedgerCache } from "./jobs/run-ledger-cache.ts";
import { type JobOwner, RunStateWatcher } from "./jobs/run-state-watcher.ts";
import type { WorkerLog } from "./worker-log.ts";

export interface Capability {
  readonly provider: string;
  readonly kind: JobKind;
}

export interface WorkerOptions {
  /** Jobs held at once; their inputs are what batches are packed from. */
  readonly jobs: number;
  /** Upstream calls in flight at once per model, whatever the lanes allow; by default what memory allows. */
  readonly calls?: number;
  readonly lingerMs: number;
  /** How long calls in flight may go on after a stop was asked for. */
  readonly graceMs: number;
}

/** A job that was taken more often than this is not new: some seconds have passed since it was queued. */
const MAX_RECENT_STARTS = 20;

export const WORKER_DEFAULTS: WorkerOptions = { jobs: 100, lingerMs: 15, graceMs: 20_000 };

export interface WorkerDeps {
  readonly redis: RedisSource;
  readonly keys: Keys;
  readonly limiter: Limiter;
  /** What this worker has credentials for, and so the queues it serves. */
  readonly capabilities: readonly Capability[];
  /** The lanes this worker has credentials for; empty when the model is unknown to it. */
  readonly embeddingLanes: (provider: string, model: string) => readonly ModelLane<EmbeddingModel>[];
  readonly chatLanes: (provider: string, model: string) => readonly ModelLane<ChatModel>[];
  readonly version: string;
  readonly log: WorkerLog;
  readonly tracer?: Tracer;
  readonly clock?: Clock;
  readonly options?: Partial<WorkerOptions>;
}

export interface WorkerHost {
  readonly id: string;
  /** Resolves when the worker takes jobs. */
  readonly ready: Promise<void>;
  /**
   * Stops taking jobs, gives back what has not been called, lets calls in flight end within the grace period, and
   * closes. Costs no item an attempt. Idempotent.
   */
  stop(): Promise<void>;
}

/** Starts a worker: BullMQ hands it jobs, its groups pack and call, its ledger commits. */
export function startWorker(deps: WorkerDeps): WorkerHost {
  const host = new Host(deps);
  return { id: host.id, ready: host.ready, stop: () => host.stop() };
}

class Host {
  readonly id = `${hostname()}-${process.pid}-${randomBytes(3).toString("hex")}`;
  readonly ready: Promise<void>;
  readonly #deps: WorkerDeps;
  readonly #options: WorkerOptions;
  readonly #clock: Clock;
  readonly #client: RedisClient;
  readonly #workers: Worker[];
  readonly #dispatchers: DispatcherRegistry;
  readonly #stateWatcher: RunStateWatcher;
  readonly #ledgers: RunLedgerCache;
  readonly #telemetry: TelemetryWriter;
  readonly #observer: CallObserver;
  readonly #heartbeat: Heartbeat;
  readonly #forced = new AbortController();
  readonly #timers: NodeJS.Timeout[];
  /** Jobs held -> when their lock was last known to be ours. */
  readonly #renewedAt = new Map<string, number>();
  #stopping: Promise<void> | undefined;

  constructor(deps: WorkerDeps) {
    this.#deps = deps;
    this.#options = { ...WORKER_DEFAULTS, ...omitUndefined(deps.options ?? {}) };
    this.#clock = deps.clock ?? systemClock;
    this.#client = deps.redis.connect("commands");
    this.#ledgers = new RunLedgerCache(this.#client, deps.keys);
    this.#telemetry = new TelemetryWriter(this.#client, deps.keys, {
      onError: (error) => deps.log.debug("could not write telemetry", { error: error.message }),
    });
    const observer = observeCalls(this.#telemetry, this.id);
    this.#observer = deps.tracer ? combineObservers(observer, traceCalls(deps.tracer)) : observer;
    this.#dispatchers = new DispatcherRegistry({
      ...deps,
      ...this.#options,
      limiter: batchSettlements(deps.limiter),
      client: this.#client,
      clock: this.#clock,
      signal: this.#forced.signal,
      canCall: () => this.#hasFreshLocks(),
      observer: this.#observer,
    });
    this.#stateWatcher = new RunStateWatcher({
      client: this.#client,
      keys: deps.keys,
      log: deps.log,
      returnToQueue: (reason, id) => this.#dispatchers.returnToQueue(reason, id),
    });
    this.#workers = deps.capabilities.flatMap((capability) =>
      (["interactive", "bulk"] as const).map((priority) => this.#startQueueWorker(capability, priority)),
    );
    this.#heartbeat = new Heartbeat({
      client: this.#client,
      keys: deps.keys,
      log: deps.log,
      worker: this.id,
      version: deps.version,
      queues: deps.capabilities.map(({ provider, kind }) => queueName(provider, kind)),
      load: () => ({ jobs: this.#renewedAt.size, calls: this.#callsInFlight() }),
    });
    this.#timers = [setInterval(() => this.#renewReservations(), LIMITER_DEFAULTS.leaseMs / 4)];
    this.ready = Promise.all(this.#workers.map((worker) => worker.waitUntilReady())).then(() =>
      this.#heartbeat.start(),
    );
  }

  #startQueueWorker({ provider, kind }: Capability, priority: JobPriority): Worker {
    const queue = queueName(provider, kind, priority);
    const worker = new Worker(
      queue,
      // All three parameters must stand here: BullMQ hands over the signal only to a processor that declares it.
      (job, token, signal) => this.#processWithLock(job, token, () => this.#process(job, signal, priority)),
      {
        connection: this.#deps.redis.connect("bullmq"),
        prefix: this.#deps.keys.queuePrefix(queue),
        concurrency: this.#options.jobs,
        lockDuration: QUEUE_SETTINGS.lockDurationMs,
        stalledInterval: QUEUE_SETTINGS.stalledIntervalMs,
        maxStalledCount: QUEUE_SETTINGS.maxStalledCount,
        ...FINISHED_JOB_RETENTION,
        settings: { backoffStrategy: () => QUEUE_SETTINGS.retryDelayMs },
      },
    );
    worker.on("error", (error) => this.#deps.log.warn("queue connection", { error: error.message }));
    worker.on("failed", (job, error) => this.#deps.log.warn("job failed", { job: job?.id, error: error.message }));
    worker.on("locksRenewed", ({ jobIds }) => {
      for (const id of jobIds) if (this.#renewedAt.has(id)) this.#renewedAt.set(id, this.#clock.now());
    });
    worker.on("lockRenewalFailed", (jobIds) => {
      for (const id of jobIds) {
        this.#renewedAt.delete(id);
        worker.cancelJob(id, "its lock was lost");
      }
    });
    return worker;
  }

  async #process(job: Job, signal: AbortSignal | undefined, priority: JobPriority): Promise<void> {
    const shared = {
      now: () => this.#clock.now(),
      isStopping: () => this.#stopping !== undefined,
      isInteractive: priority === "interactive",
      isRecentlyQueued: job.attemptsStarted <= MAX_RECENT_STARTS,
      commitDeps: {
        clock: this.#clock,
        log: this.#deps.log,
        signal: this.#forced.signal,
        observer: this.#observer,
      },
    };
    const { keys } = this.#deps;
    const id = job.id ?? "";
    const payload = parsePayload(job.data);
    if (payload?.trace !== undefined) {
      const attributes = { "sluice.queue": job.queueName, "sluice.kind": payload.kind };
      this.#deps.tracer?.startSpan("queue", { parent: payload.trace, at: job.timestamp, attributes }).end();
    }
    if (payload?.kind === "embedding") {
      const { run, item } = payload;
      const ledger = item === undefined ? this.#ledgers.of(run ?? "") : new ItemLedger(this.#client, keys.item(item));
      const dispatcher = () => this.#dispatchers.embedding(payload);
      return await this.#withTracking(item === undefined ? { run: run ?? "" } : { item }, () =>
        processEmbeddingJob(id, payload, signal, { ...shared, dispatcher, ledger }),
      );
    }
    if (payload?.kind === "chat") {
      return await processChatJob(id, payload, signal, {
        ...shared,
        client: this.#client,
        keys,
        ledgers: this.#ledgers,
        dispatcher: () => this.#dispatchers.chat(payload),
        withTracking: (owner, task) => this.#withTracking(owner, task),
        stalls: job.stalledCounter,
      });
    }
    // Set aside in the failed set with a reason that names no content; the worker lives on.
    throw new UnrecoverableError("not a job of this version: its payload does not match the schema");
  }

  async #withTracking(owner: JobOwner, task: () => Promise<void>): Promise<void> {
    const release = this.#stateWatcher.track(owner);
    try {
      await task();
    } finally {
      release();
    }
  }

  /** Runs a job under the eye of the lock watch, and puts back what has to go back. */
  async #processWithLock(job: Job, token: string | undefined, task: () => Promise<void>): Promise<null> {
    const id = job.id ?? "";
    this.#renewedAt.set(id, this.#clock.now());
    this.#heartbeat.recordClaim();
    try {
      await task();
      return null;
    } catch (error) {
      if (error instanceof ReturnToQueue) return await returnJob(job, token, error);
      throw error;
    } finally {
      this.#renewedAt.delete(id);
    }
  }

  /**
   * A worker that could not renew its locks (Redis stalled, or this process did) may have lost its jobs to another
   * one, and learns of it only later. It starts no call it might pay for in vain until a renewal went through.
   */
  #hasFreshLocks(): boolean {
    const oldest = Math.min(...this.#renewedAt.values());
    return this.#clock.now() - oldest < QUEUE_SETTINGS.lockDurationMs * 0.8 || this.#renewedAt.size === 0;
  }

  #callsInFlight(): number {
    let calls = 0;
    for (const [, ids] of this.#dispatchers.inFlight()) calls += ids.length;
    return calls;
  }

  #renewReservations(): void {
    for (const [lane, ids] of this.#dispatchers.inFlight()) {
      this.#deps.limiter
        .renew(lane, ids)
        .catch((error) => this.#deps.log.warn("could not renew reservations", { error: coerceError(error).message }));
    }
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const reason = new ReturnToQueue("the worker is stopping");
    const pausing = Promise.all(this.#workers.map((worker) => worker.pause(true)));
    const forced = setTimeout(() => this.#forced.abort(reason), this.#options.graceMs);
    await this.#dispatchers.stop(reason);
    clearTimeout(forced);
    await pausing;
    // Closing waits for the processors, which now only give their jobs back.
    await Promise.all(this.#workers.map((worker) => worker.close()));
    this.#stateWatcher.stop();
    for (const timer of this.#timers) clearInterval(timer);
    await this.#telemetry.stop();
    await this.#heartbeat.stop();
  }
}

/** Puts a job back without costing it an attempt or a stall. */
async function returnJob(job: Job, token: string | undefined, returnToQueue: ReturnToQueue): Promise<never> {
  const delayMs = returnToQueue.computeDelay(job.attemptsStarted);
  if (delayMs > 0) {
    await job.moveToDelayed(Date.now() + delayMs, token);
    throw new DelayedError();
  }
  await job.moveToWait(token);
  throw new WaitingError();
}
