import type { Clock } from "#src/core/clock.ts";
import type { BisectCause } from "#src/core/failures/decide-after-failure.ts";
import { LruCache } from "#src/core/lru-cache.ts";
import type { ReturnToQueue } from "#src/workers/jobs/return-to-queue.ts";
import { BadInputSearch, type GroupTest, halve, type SearchStep } from "./bad-input-search.ts";
import { type Batch, createFixedBatch, getAllInputs, getCallableInputs, returnInputs } from "./batch.ts";
import { FairQueue } from "./fair-queue.ts";
import { type BatchLimits, leaveRoom, packBatch, type Sized } from "./pack-batch.ts";
import type { PendingInput } from "./pending-input.ts";

export interface TakenBatches<I> {
  readonly batches: readonly Batch<I>[];
  /** Set when an incomplete batch waits for more inputs: how long it still may, in ms. */
  readonly lingerMs?: number;
}

export interface TakeOptions<I> {
  /** A batch that is not full waits for more inputs until its oldest is this old, in ms. */
  readonly lingerMs: number;
  /** Group tests are in flight, so that inputs may come back which fill a batch. */
  readonly isTesting: boolean;
  /** The room for a canary that one of the batches leaves, by its first input. */
  readonly roomFor?: ((first: I) => Sized | undefined) | undefined;
}

/** How long an incomplete batch waits for more inputs of refused groups after the last ones came back. */
const REGROUP_MS = 1_000;
/** Runs whose share of bad inputs is remembered. */
const MAX_SEARCHES = 64;

/**
 * The inputs of one model that wait for a call. Each of them is in exactly one place: waiting to be packed, in a batch
 * that is ready as it is (a retry, or a part of a refused batch), in a batch that awaits the end of an outage, in a batch
 * that is delayed by a back-off, or in the group rest of a batch, wherever that is.
 */
export class BatchQueue<I extends PendingInput> {
  readonly #limits: BatchLimits;
  readonly #clock: Clock;
  readonly #unpacked = new FairQueue<I>();
  #ready: Batch<I>[] = [];
  #awaitingProbe: Batch<I>[] = [];
  readonly #delayed = new Map<Batch<I>, AbortController>();
  /** By run; all standalone items share one. Runs differ in their inputs. */
  readonly #searches = new LruCache<string, BadInputSearch>(MAX_SEARCHES);
  /** When inputs of refused groups came back, in ms of the monotonic clock. */
  #regroupedAt = Number.NEGATIVE_INFINITY;
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

  /** The batch was accepted as a whole. */
  accept(batch: Batch<I>): void {
    const [first] = batch.inputs;
    if (first && this.#limits.maxInputs > 1) this.#continueSearch(this.#getSearch(first).accept(batch));
  }

  /** The batch was refused, or its only input has failed for good: finds the bad inputs with few further calls. */
  refuse(batch: Batch<I>): void {
    const [first] = batch.inputs;
    if (first && this.#limits.maxInputs > 1) this.#continueSearch(this.#getSearch(first).refuse(batch));
  }

  /** Makes the calls that follow from the `bisect` decision for this batch. */
  bisect(batch: Batch<I>, cause: BisectCause): void {
    if (cause === "input") this.refuse(batch);
    else {
      this.pushReady(halve(batch.inputs).map((half) => createFixedBatch(half)));
      this.releaseGroupRest(batch);
    }
  }

  /** Nothing is known any more about the rest of the group of this batch: it joins other inputs. */
  releaseGroupRest({ groupRest = [] }: Pick<GroupTest<I>, "groupRest">): void {
    this.#unpacked.unshift(groupRest.filter(({ completion }) => !completion.isReturning));
    if (groupRest.length > 0) this.#regroupedAt = this.#clock.monotonic();
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

  /** Takes up to `count` batches. */
  take(count: number, options: TakeOptions<I>): TakenBatches<I> {
    const batches: Batch<I>[] = [];
    while (batches.length < count) {
      const ready = this.#ready.shift() ?? (this.#unpacked.length === 0 ? this.#awaitingProbe.shift() : undefined);
      if (!ready) break;
      const inputs = getCallableInputs(ready);
      if (inputs.length > 0) batches.push({ ...ready, inputs });
      else this.releaseGroupRest(ready);
    }
    const isTesting = options.isTesting || batches.some(({ groupRest }) => groupRest !== undefined);
    while (batches.length < count) {
      const [first] = this.#unpacked;
      if (!first) break;
      const room = batches.some(({ hasCanary }) => hasCanary) ? undefined : options.roomFor?.(first);
      const limits = room ? leaveRoom(this.#limits, room) : this.#limits;
      const maxInputs = this.#getSearch(first).chooseCallSize(limits.maxInputs);
      const plan = packBatch(this.#unpacked, { ...limits, maxInputs });
      const lingerMs = plan.isFull ? 0 : this.#computeLinger(first, options.lingerMs, isTesting);
      if (lingerMs > 0) return { batches, lingerMs };
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
    for (const batch of [...this.#ready, ...this.#awaitingProbe, ...this.#delayed.keys()]) {
      returnInputs(getAllInputs(batch).filter(matches), reason);
    }
  }

  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#delayed.values()) timer.abort();
  }

  /** How long an incomplete batch that starts with this input still waits, in ms. */
  #computeLinger({ arrivedAt, isInteractive }: I, lingerMs: number, isTesting: boolean): number {
    const remaining = (since: number, ms: number) => ms - (this.#clock.monotonic() - since);
    const canRegroup = isTesting && !isInteractive;
    return Math.max(remaining(arrivedAt, lingerMs), canRegroup ? remaining(this.#regroupedAt, REGROUP_MS) : 0);
  }

  #continueSearch({ tests, unknown }: SearchStep<I>): void {
    this.pushReady(tests.map(({ inputs, groupRest }) => createFixedBatch(inputs, groupRest)));
    this.releaseGroupRest({ groupRest: unknown });
  }

  #getSearch({ isStandalone, runId }: I): BadInputSearch {
    const key = isStandalone || this.#limits.maxInputs === 1 ? "" : runId;
    const existing = this.#searches.get(key);
    if (existing) return existing;
    const search = new BadInputSearch();
    this.#searches.set(key, search);
    return search;
  }
}
