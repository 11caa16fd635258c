import type { Clock } from "#src/core/clock.ts";
import type { ReturnToQueue } from "#src/workers/jobs/return-to-queue.ts";
import { type Batch, getCallableInputs, returnInputs } from "./batch.ts";
import { FairQueue } from "./fair-queue.ts";
import { type BatchLimits, leaveRoom, packBatch, type Sized } from "./pack-batch.ts";
import type { PendingInput } from "./pending-input.ts";

export interface TakenBatches<I> {
  readonly batches: readonly Batch<I>[];
  /** Set when an incomplete batch waits for more inputs: how long it still may, in ms. */
  readonly lingerMs?: number;
}

/**
 * The inputs of one model that wait for a call. Each of them is in exactly one place: waiting to be packed, in a batch
 * that is ready as it is (a retry, or half of a rejected batch), in a batch that awaits the end of an outage, or in a
 * batch that is delayed by a back-off.
 */
export class BatchQueue<I extends PendingInput> {
  readonly #limits: BatchLimits;
  readonly #clock: Clock;
  readonly #unpacked = new FairQueue<I>();
  #ready: Batch<I>[] = [];
  #awaitingProbe: Batch<I>[] = [];
  readonly #delayed = new Map<Batch<I>, AbortController>();
  #isStopped = false;

  constructor(limits: BatchLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  push(inputs: readonly I[]): void {
    this.#unpacked.push(...inputs);
  }

  pushReady(batches: readonly Batch<I>[]): void {
    this.#ready.push(...batches);
  }

  /** Adds a batch that failed while the lane was out: other batches become probes first. */
  pushAwaitingProbe(batch: Batch<I>): void {
    this.#awaitingProbe.push(batch);
  }

  /** Adds a batch that becomes ready after `delayMs`; calls `onReady` then. After `stop` this does nothing. */
  pushDelayed(batch: Batch<I>, delayMs: number, onReady: () => void): void {
    if (this.#isStopped) return;
    const timer = new AbortController();
    this.#delayed.set(batch, timer);
    this.#clock
      .sleep(delayMs, timer.signal)
      .then(() => this.#ready.push(batch))
      .catch(() => undefined)
      .finally(() => {
        this.#delayed.delete(batch);
        onReady();
      });
  }

  /** The lane answers again: batches that awaited a probe are ready. */
  releaseAwaitingProbe(): void {
    this.#ready.push(...this.#awaitingProbe.splice(0));
  }

  /** Puts batches back at the front, in order; their inputs may be packed again, fuller than before. */
  requeue(batches: readonly Batch<I>[]): void {
    this.#unpacked.unshift(batches.filter((batch) => batch.isRepackable).flatMap(getCallableInputs));
    this.#ready = [...batches.filter((batch) => !batch.isRepackable), ...this.#ready];
  }

  /**
   * Takes up to `count` batches. A batch that is not full waits for more inputs until its oldest is `lingerMs` old. One of
   * them leaves the room that `roomFor` returns for its first input.
   */
  take(count: number, lingerMs: number, roomFor?: (first: I) => Sized | undefined): TakenBatches<I> {
    const batches: Batch<I>[] = [];
    while (batches.length < count) {
      const ready = this.#ready.shift() ?? (this.#unpacked.length === 0 ? this.#awaitingProbe.shift() : undefined);
      if (!ready) break;
      const inputs = getCallableInputs(ready);
      if (inputs.length > 0) batches.push({ ...ready, inputs });
    }
    while (batches.length < count && this.#unpacked.length > 0) {
      const [first] = this.#unpacked;
      const room = first && !batches.some(({ hasCanary }) => hasCanary) ? roomFor?.(first) : undefined;
      const plan = packBatch(this.#unpacked, room ? leaveRoom(this.#limits, room) : this.#limits);
      if (!plan.isFull) {
        const remainingMs = lingerMs - (this.#clock.monotonic() - this.#getOldestArrival());
        if (remainingMs > 0) return { batches, lingerMs: remainingMs };
      }
      batches.push({
        inputs: this.#unpacked.take(plan.size),
        tokens: plan.tokens + (room?.tokens ?? 0),
        isRepackable: true,
        hasCanary: room !== undefined,
      });
    }
    return { batches };
  }

  /** Returns the matching inputs to the BullMQ queue. Batches that contain them leave them out when they are taken. */
  returnToQueue(reason: ReturnToQueue, matches: (input: I) => boolean): void {
    returnInputs(this.#unpacked.remove(matches), reason);
    for (const { inputs } of [...this.#ready, ...this.#awaitingProbe, ...this.#delayed.keys()]) {
      returnInputs(inputs.filter(matches), reason);
    }
  }

  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#delayed.values()) timer.abort();
  }

  #getOldestArrival(): number {
    for (const input of this.#unpacked) return input.arrivedAt;
    return this.#clock.monotonic();
  }
}
