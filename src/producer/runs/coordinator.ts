import type { RunStore } from "#src/producer/storage/run-store.ts";
import { jobId } from "#src/queues/job-id.ts";
import type { RunState } from "#src/state/runs/run-transitions.ts";
import { Collector } from "./collector.ts";
import { Window } from "./feeding/feed-window.ts";
import { Feeder } from "./feeding/feeder.ts";
import type { RunContext } from "./run-environment.ts";
import { FolderLostError, isStoppedBy, RunLostError, RunStoppedError } from "./run-error.ts";

const TICK_MS = 500;
const STATE_INTERVAL_MS = 2_000;
const RECONCILE_INTERVAL_MS = 5_000;
/**
 * A job without progress for this long is looked up. It is requeued only if its queue no longer has it, or if it ended
 * without records. If its records are still on their way, the worker that takes the job finds them and makes no call.
 */
const IDLE_TIMEOUT_MS = 5_000;
/** Time that workers need to notice a cancel; until then they may still start calls. */
const CANCEL_PROPAGATION_MS = 2_000;
/** How long answers of calls in flight, which are paid for, are awaited after a cancel; longer if calls usually take long. */
const CANCEL_GRACE_MS = 30_000;
const CANCEL_GRACE_CALLS = 3;

/**
 * Processes a run until every item has a record: feeds the window, collects records to disk, and repairs the effects of
 * crashes. Any process that holds the run's lease may do so, at any time, whatever state the run is in.
 *
 * Three loops run concurrently from the first moment (collect, feed, tick), so paid answers reach the disk before, and
 * whether or not, the run can be opened and its jobs queued. The first loop to fail stops the others, and its error is
 * thrown.
 */
export class Coordinator {
  readonly #context: RunContext;
  readonly #window = new Window();
  readonly #feeder: Feeder;
  readonly #collector: Collector;
  readonly #stop = new AbortController();
  #spaceAvailable = Promise.withResolvers<void>();
  #opening: Promise<void> = Promise.resolve();
  #isOpen = false;
  #pending = { open: true, reconcile: false };
  #state: RunState | undefined;
  #cancelledAt: number | undefined;

  constructor(context: RunContext) {
    this.#context = context;
    this.#collector = new Collector(context, this.#window, () => this.#spaceAvailable.resolve());
    this.#feeder = new Feeder(context, this.#window, this.#stop.signal);
  }

  /** Resolves when every item has its record on disk. Throws a RunStoppedError if the run stops before. */
  async run(): Promise<void> {
    const { signal, lease, failure } = this.#context;
    const stop = (error: unknown) => {
      this.#stop.abort(error);
      // Another loop may be waiting for Redis to accept commands. A run that has failed does not wait for that.
      failure.abort(error);
    };
    const onAbort = () => stop(new RunStoppedError("interrupted", "interrupted"));
    const onLeaseLost = () => stop(lease.lost.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    lease.lost.addEventListener("abort", onLeaseLost, { once: true });
    if (signal.aborted) onAbort();
    if (lease.lost.aborted) onLeaseLost();
    const loops = [this.#collect(), this.#feed(), this.#tick()].map((loop) =>
      loop.catch((error) => {
        stop(error);
        throw error;
      }),
    );
    try {
      await Promise.all(loops);
    } catch (first) {
      await Promise.allSettled(loops);
      // A loop that was waiting may have ended before the one that failed.
      const error = failure.signal.reason ?? first;
      // Paid answers go to disk even if the run stops here: calls in flight finish first, then all records are read.
      if (!isStoppedBy(error, "lost-lease")) {
        await this.#context.onStopping?.();
        // Without its folder, only Redis can keep them.
        if (!(error instanceof FolderLostError)) await this.#collector.drain().catch(() => undefined);
      }
      if (!this.#isComplete()) throw error;
    } finally {
      signal.removeEventListener("abort", onAbort);
      lease.lost.removeEventListener("abort", onLeaseLost);
      await this.#feeder.close();
    }
    await this.#collector.drain();
  }

  #isComplete(): boolean {
    return this.#context.store.counts().missing === 0;
  }

  async #open(): Promise<void> {
    const { control, lease, store, counters, onOpened } = this.#context;
    const opened = control.open(store.items, durableBitmap(store), counters());
    // Jobs are only accepted from the holder of the lease, which may have expired if this process was suspended.
    const [{ created, cursor, hasLostCounts }, outstanding] = await Promise.all([
      opened,
      control.outstandingJobs(),
      lease.renew(),
    ]);
    onOpened?.(hasLostCounts);
    await Promise.all([control.updateMeta({ window: this.#feeder.windowSize }), this.#context.hold.publish()]);
    await this.#feeder.start(cursor, created ? [] : outstanding);
    this.#isOpen = true;
  }

  async #collect(): Promise<void> {
    while (!this.#isComplete()) {
      this.#stop.signal.throwIfAborted();
      await this.#opening;
      await this.#collector.step();
    }
    this.#stop.abort();
  }

  /** The only loop that uses the feeder, so that reopening, requeueing and filling never overlap. */
  async #feed(): Promise<void> {
    const stopped = new Promise<void>((resolve) => this.#stop.signal.addEventListener("abort", () => resolve()));
    while (!this.#stop.signal.aborted) {
      this.#spaceAvailable = Promise.withResolvers<void>();
      try {
        await this.#repair();
        const { control, hold } = this.#context;
        if (hold.until === undefined && (await control.state()) === "running") await this.#feeder.fill();
        if (this.#feeder.isBudgetExhausted && this.#window.open === 0 && this.#context.budget) {
          throw this.#context.budget.createStopError();
        }
      } catch (error) {
        if (!(error instanceof RunLostError)) throw error;
        this.#pending.open = true;
        continue;
      }
      await Promise.race([this.#spaceAvailable.promise, stopped]);
    }
  }

  async #repair(): Promise<void> {
    const { open, reconcile } = this.#pending;
    this.#pending = { open: false, reconcile: false };
    if (open && this.#isOpen) await this.#reopen();
    else if (open) await this.#open();
    else if (reconcile) await this.#reconcile(this.#context.clock.monotonic());
  }

  async #tick(): Promise<void> {
    const { clock, control, hold, onTick } = this.#context;
    let [stateAt, reconcileAt] = [clock.monotonic(), clock.monotonic()];
    while (!this.#stop.signal.aborted) {
      await clock.sleep(TICK_MS, this.#stop.signal).catch(() => undefined);
      if (this.#stop.signal.aborted) return;
      const now = clock.monotonic();
      if (this.#isOpen && now - stateAt >= STATE_INTERVAL_MS) {
        stateAt = now;
        await this.#recordState(await control.state(), now);
        await this.#updateWindowSize();
      }
      if (this.#isOpen && (await hold.update())) await this.#continue();
      if (now - reconcileAt >= RECONCILE_INTERVAL_MS) {
        reconcileAt = now;
        this.#pending.reconcile = this.#cancelledAt === undefined;
      }
      if (this.#pending.open || this.#pending.reconcile || this.#feeder.isWaiting) this.#spaceAvailable.resolve();
      await this.#context.resolver?.tick({ isPaused: this.#state === "paused" || hold.until !== undefined });
      await onTick({ inFlight: this.#window.open, isPaused: this.#state === "paused", heldUntil: hold.until });
      this.#stopIfCancelled(now);
    }
  }

  /** Notices that the run was paused, resumed or cancelled by another process, or lost by Redis. */
  async #recordState(state: RunState | undefined, now: number): Promise<void> {
    const before = this.#state;
    this.#state = state;
    if (state === undefined) this.#pending.open = true;
    else await this.#context.control.keepAlive(this.#context.clock.now());
    if (state === "running" && before === "paused") await this.#continue();
    if (state === "cancelled") this.#cancelledAt ??= now;
  }

  /** Ends a pause: workers returned the run's jobs to the queue with a delay. */
  async #continue(): Promise<void> {
    await this.#context.queues.promoteDelayed();
    this.#spaceAvailable.resolve();
  }

  /** Applies a window size that was requested while the run is coordinated. */
  async #updateWindowSize(): Promise<void> {
    const requested = await this.#context.control.window();
    if (requested === undefined || requested === this.#feeder.windowSize) return;
    this.#feeder.resize(requested);
    this.#spaceAvailable.resolve();
  }

  /** Stops a cancelled run once the answers of its calls in flight, which are paid for, are collected. */
  #stopIfCancelled(now: number): void {
    if (this.#cancelledAt === undefined) return;
    const waited = now - this.#cancelledAt;
    const callsInFlight = this.#context.countCallsInFlight?.() ?? 0;
    const graceMs = Math.max(CANCEL_GRACE_MS, CANCEL_GRACE_CALLS * (this.#context.usualCallMs?.() ?? 0));
    if (waited < CANCEL_PROPAGATION_MS || (callsInFlight > 0 && waited < graceMs)) return;
    throw new RunStoppedError("cancelled", "the run was cancelled");
  }

  /** Reopens a run that Redis has lost (a flush, or a restart without its files) with the state on disk. */
  async #reopen(): Promise<void> {
    const { onEvent, store } = this.#context;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#opening = promise;
    try {
      await this.#collector.settle();
      this.#collector.restart();
      await this.#open();
    } finally {
      resolve();
    }
    onEvent({ type: "redis-lost-run", refed: store.counts().missing });
  }

  /** Requeues jobs that Redis lost, that BullMQ failed, or that ended without records. */
  async #reconcile(now: number): Promise<void> {
    const { queues, control, lease, onEvent } = this.#context;
    const idle = this.#window.idleSince(now - IDLE_TIMEOUT_MS);
    for (const job of idle) job.progressAt = now;
    const finished = await queues.findFinished(idle);
    if (finished.length === 0) return;
    // No worker found open items in two generations: Redis has marked items as done whose records do not exist.
    const marked = finished.filter(({ generation }) => generation >= 2).flatMap(({ open }) => [...open]);
    if (marked.length > 0) await control.reopenItems(lease.token, marked);
    const requeued = finished.map(({ id, first, last, generation }) => {
      this.#window.remove(id);
      return { id, first, last, generation: generation + 1, newId: jobId(control.runId, first, last, generation + 1) };
    });
    await this.#feeder.requeue(requeued);
    const ids = finished.map(({ id }) => id);
    await control.trimResults(lease.token, undefined, ids);
    for (const { open } of finished) onEvent({ type: "job-requeued", items: open.size });
  }
}

function durableBitmap(store: RunStore): Buffer {
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
