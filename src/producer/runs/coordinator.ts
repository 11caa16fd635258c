import type { Clock } from "#src/core/clock.ts";
import type { Item } from "#src/core/item.ts";
import type { AnswerResolver } from "#src/producer/cache/answer-resolver.ts";
import type { JobFactory } from "#src/producer/run-kinds/job-factory.ts";
import type { RunStore } from "#src/producer/storage/ledger-store.ts";
import { jobId } from "#src/queues/job-id.ts";
import type { RedisClient } from "#src/redis/script.ts";
import type { WireRecord } from "#src/state/records/record-codec.ts";
import type { RunControl } from "#src/state/runs/run-control.ts";
import type { RunCounters } from "#src/state/runs/run-ledger.ts";
import type { RunState } from "#src/state/runs/run-transitions.ts";
import type { RunBudget } from "./budget/run-budget.ts";
import { Collector } from "./collector.ts";
import { Feeder } from "./feeding/feeder.ts";
import type { RunQueues } from "./feeding/run-queues.ts";
import { Window } from "./feeding/window.ts";
import type { Lease } from "./lease.ts";
import { RunLostError, RunStoppedError } from "./run-error.ts";

export interface CoordinatorDeps {
  readonly control: RunControl;
  readonly lease: Lease;
  readonly queues: RunQueues;
  /** A connection for reads that block. */
  readonly blocking: RedisClient;
  readonly store: RunStore<WireRecord>;
  readonly clock: Clock;
  readonly readItems: (from: number) => AsyncIterable<readonly Item[]>;
  readonly jobs: JobFactory;
  readonly windowSize: number;
  /** Counters at the last checkpoint on disk, for a Redis that has lost the run. */
  readonly counters: () => RunCounters;
  /** Called about twice a second while the run goes on; throws `RunStopped` to stop it. */
  readonly onTick: (state: { readonly inFlight: number; readonly isPaused?: boolean }) => Promise<void>;
  /** Upstream calls that are under way, as far as the counters tell. */
  readonly countCallsInFlight?: () => number;
  /** What is known already, or asked by others, is not fed. */
  readonly resolver?: AnswerResolver;
  /** What the run may cost; the run stops when it affords no further item. */
  readonly budget?: RunBudget;
  readonly onRecords?: (records: readonly WireRecord[]) => void;
  readonly onEvent: (event: CoordinatorEvent) => void;
  /** The run stops before its end: resolves when the workers of this command have committed what they had in flight. */
  readonly onStopping?: () => Promise<void>;
  readonly signal: AbortSignal;
}

export type CoordinatorEvent =
  | { readonly type: "redis-lost-run"; readonly refed: number }
  | { readonly type: "job-requeued"; readonly items: number };

const TICK_MS = 500;
const LEASE_RENEW_INTERVAL_MS = 2_000;
const RECONCILE_INTERVAL_MS = 5_000;
/**
 * A job without progress for this long is looked up. Only one that the queue no longer has, or has ended without its
 * records, is queued again; should its records be on their way, the worker that takes it finds them and calls nobody.
 */
const IDLE_TIMEOUT_MS = 5_000;
/** After a cancel, workers need this long to hear of it; until then they may still start calls. */
const CANCEL_PROPAGATION_MS = 2_000;
/** How long the answers of calls in flight are waited for after a cancel: they are paid for. */
const CANCEL_GRACE_MS = 30_000;

/**
 * Brings a run to its end: feeds the window, collects records to disk, repairs what crashes leave behind. Any
 * process that holds the run's lease may do so, at any time, from whatever state the run is in.
 *
 * Three loops run side by side (collect, feed, tick); the first to fail stops the others, and its error is thrown.
 */
export class Coordinator {
  readonly #deps: CoordinatorDeps;
  readonly #window = new Window();
  readonly #feeder: Feeder;
  readonly #collector: Collector;
  readonly #stop = new AbortController();
  #spaceAvailable = Promise.withResolvers<void>();
  #opening: Promise<void> = Promise.resolve();
  #pending = { reopen: false, reconcile: false };
  #state: RunState | undefined;
  #cancelledAt: number | undefined;

  constructor(deps: CoordinatorDeps) {
    this.#deps = deps;
    this.#collector = new Collector({
      ...deps,
      token: deps.lease.token,
      window: this.#window,
      onDurable: () => this.#spaceAvailable.resolve(),
    });
    this.#feeder = new Feeder({
      ...deps,
      token: deps.lease.token,
      window: this.#window,
      items: deps.store.items,
      isDone: (index) => deps.store.has(index),
      findFirstMissing: () => findFirstMissing(deps.store),
      storeRecords: async (records) => void (await deps.store.write(records)),
      isStopping: () => this.#stop.signal.aborted,
    });
  }

  /** Resolves when every item has its record on disk. Throws `RunStopped` when the run must wait for a person. */
  async run(): Promise<void> {
    await this.#open();
    const stop = (error?: unknown) => this.#stop.abort(error);
    const onAbort = () => stop(new RunStoppedError("interrupted", "interrupted"));
    this.#deps.signal.addEventListener("abort", onAbort, { once: true });
    if (this.#deps.signal.aborted) onAbort();
    const loops = [this.#collect(), this.#feed(), this.#tick()].map((loop) =>
      loop.catch((error) => {
        stop(error);
        throw error;
      }),
    );
    try {
      await Promise.all(loops);
    } catch (error) {
      await Promise.allSettled(loops);
      // What is paid for goes to disk even when the run stops here: first the calls under way end, then all is read.
      if (!isLostLease(error)) {
        await this.#deps.onStopping?.();
        await this.#collector.drain().catch(() => undefined);
      }
      if (!this.#isComplete()) throw error;
    } finally {
      this.#deps.signal.removeEventListener("abort", onAbort);
      await this.#feeder.close();
    }
    await this.#collector.drain();
  }

  #isComplete(): boolean {
    return this.#deps.store.counts().missing === 0;
  }

  async #open(): Promise<void> {
    const { control, store, counters } = this.#deps;
    const { created, cursor } = await control.open(store.items, durableBitmap(store), counters());
    await control.updateMeta({ window: this.#feeder.windowSize });
    this.#collector.restart();
    await this.#feeder.start(cursor, created ? [] : await control.outstandingJobs());
  }

  async #collect(): Promise<void> {
    while (!this.#isComplete()) {
      this.#stop.signal.throwIfAborted();
      await this.#opening;
      await this.#collector.step();
    }
    this.#stop.abort();
  }

  /** The only loop that touches the feeder, so that opening again, requeueing and filling never overlap. */
  async #feed(): Promise<void> {
    const stopped = new Promise<void>((resolve) => this.#stop.signal.addEventListener("abort", () => resolve()));
    while (!this.#stop.signal.aborted) {
      this.#spaceAvailable = Promise.withResolvers<void>();
      try {
        await this.#repair();
        if ((await this.#deps.control.state()) === "running") await this.#feeder.fill();
        if (this.#feeder.isBudgetExhausted && this.#window.open === 0 && this.#deps.budget) {
          throw this.#deps.budget.createStopError();
        }
      } catch (error) {
        if (!(error instanceof RunLostError)) throw error;
        this.#pending.reopen = true;
        continue;
      }
      await Promise.race([this.#spaceAvailable.promise, stopped]);
    }
  }

  async #repair(): Promise<void> {
    const { reopen, reconcile } = this.#pending;
    this.#pending = { reopen: false, reconcile: false };
    if (reopen) await this.#reopen();
    else if (reconcile) await this.#reconcile(this.#deps.clock.now());
  }

  async #tick(): Promise<void> {
    const { clock, lease, control, onTick } = this.#deps;
    let [leaseAt, reconcileAt] = [clock.now(), clock.now()];
    while (!this.#stop.signal.aborted) {
      await clock.sleep(TICK_MS, this.#stop.signal).catch(() => undefined);
      if (this.#stop.signal.aborted) return;
      const now = clock.now();
      if (now - leaseAt >= LEASE_RENEW_INTERVAL_MS) {
        leaseAt = now;
        await lease.renew();
        await this.#recordState(await control.state(), now);
        await this.#updateWindowSize();
      }
      if (now - reconcileAt >= RECONCILE_INTERVAL_MS) {
        reconcileAt = now;
        this.#pending.reconcile = this.#cancelledAt === undefined;
      }
      if (this.#pending.reopen || this.#pending.reconcile || this.#feeder.isWaiting) this.#spaceAvailable.resolve();
      await this.#deps.resolver?.tick({ isPaused: this.#state === "paused" });
      await onTick({ inFlight: this.#window.open, isPaused: this.#state === "paused" });
      this.#stopIfCancelled(now);
    }
  }

  /** Somebody may have paused, resumed or cancelled the run from another process, or Redis may have lost it. */
  async #recordState(state: RunState | undefined, now: number): Promise<void> {
    const before = this.#state;
    this.#state = state;
    if (state === undefined) this.#pending.reopen = true;
    else await this.#deps.control.keepAlive(now);
    if (state === "running" && before === "paused") {
      // Its jobs were put back with a delay.
      await this.#deps.queues.promoteDelayed();
      this.#spaceAvailable.resolve();
    }
    if (state === "cancelled") this.#cancelledAt ??= now;
  }

  /** Somebody may have asked for another window while the run is at work. */
  async #updateWindowSize(): Promise<void> {
    const requested = await this.#deps.control.window();
    if (requested === undefined || requested === this.#feeder.windowSize) return;
    this.#feeder.resize(requested);
    this.#spaceAvailable.resolve();
  }

  /** What is under way when a run is cancelled is paid for, so it is collected first. */
  #stopIfCancelled(now: number): void {
    if (this.#cancelledAt === undefined) return;
    const waited = now - this.#cancelledAt;
    const callsInFlight = this.#deps.countCallsInFlight?.() ?? 0;
    if (waited < CANCEL_PROPAGATION_MS || (callsInFlight > 0 && waited < CANCEL_GRACE_MS)) return;
    throw new RunStoppedError("cancelled", "the run was cancelled");
  }

  /** Redis has lost the run (a flush, a restart without its files): the disk says what is missing. */
  async #reopen(): Promise<void> {
    const { onEvent, store } = this.#deps;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#opening = promise;
    try {
      await this.#collector.settle();
      await this.#deps.lease.renew();
      await this.#open();
    } finally {
      resolve();
    }
    onEvent({ type: "redis-lost-run", refed: store.counts().missing });
  }

  /** Queues again what the queue no longer has: jobs lost by Redis, failed by BullMQ, or ended without records. */
  async #reconcile(now: number): Promise<void> {
    const { queues, control, lease, onEvent } = this.#deps;
    for (const job of this.#window.idleSince(now - IDLE_TIMEOUT_MS)) {
      job.progressAt = now;
      if (!(await queues.isFinished(job.id))) continue;
      const generation = job.generation + 1;
      // Queued again twice, and nobody found anything to do: what Redis takes for done is nowhere.
      if (generation > 2) await control.reopenItems(lease.token, [...job.open]);
      this.#window.remove(job.id);
      await this.#feeder.requeue({ ...job, generation }, jobId(control.runId, job.first, job.last, generation));
      await control.trimResults(lease.token, undefined, [job.id]);
      onEvent({ type: "job-requeued", items: job.open.size });
    }
  }
}

function findFirstMissing(store: RunStore<WireRecord>): number | undefined {
  for (const { start } of store.missing()) return start;
  return undefined;
}

function isLostLease(error: unknown): boolean {
  return error instanceof RunStoppedError && error.reason === "lost-lease";
}

function durableBitmap(store: RunStore<WireRecord>): Buffer {
  const bitmap = Buffer.alloc(Math.ceil(store.items / 8), 0xff);
  if (store.items % 8 !== 0) bitmap[bitmap.length - 1] = (0xff << (8 - (store.items % 8))) & 0xff;
  for (const { start, end } of store.missing()) {
    for (let index = start; index < end; index++) {
      const byte = index >> 3;
      bitmap[byte] = (bitmap[byte] ?? 0) & ~(0x80 >> (index & 7));
    }
  }
  return store.counts().missing === store.items ? Buffer.alloc(0) : bitmap;
}
