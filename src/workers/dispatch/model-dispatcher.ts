import type { Clock } from "#src/core/clock.ts";
import type { FailureDecision } from "#src/core/failures/decide-after-failure.ts";
import { coerceError } from "#src/core/failures/errors.ts";
import { LIMITER_DEFAULTS, type Limiter } from "#src/limiter/limiter.ts";
import { ReturnToQueue } from "#src/workers/jobs/return-to-queue.ts";
import type { WorkerLog } from "#src/workers/worker-log.ts";
import {
  type Batch,
  createFixedBatch,
  getAllInputs,
  getCallableInputs,
  isInteractiveBatch,
  returnInputs,
} from "./batch.ts";
import { BatchQueue, type TakenBatches } from "./batch-queue.ts";
import type { Grant, LaneChooser, ModelLane } from "./lane-chooser.ts";
import type { BatchLimits, Sized } from "./pack-batch.ts";
import type { CallGuard, PendingInput } from "./pending-input.ts";
import { WakeSignal } from "./wake-signal.ts";

export interface DispatcherOptions {
  readonly limits: BatchLimits;
  /** Calls that this worker has in flight at once, whatever the lane allows. */
  readonly maxCalls: number;
  /** How long an input may wait for others to fill its batch, in ms. */
  readonly lingerMs: number;
  /** False while this worker cannot be sure that it still holds the locks of its jobs: it starts no new call then. */
  readonly canCall: () => boolean;
}

export interface DispatcherDeps<I, M> {
  readonly limiter: Limiter;
  readonly clock: Clock;
  readonly log: WorkerLog;
  /**
   * Makes one upstream call, commits its records and settles its reservation. Resolves with undefined when every input
   * has its record, otherwise with what to do with the inputs. Never rejects. May report earlier that its reservation
   * is settled (`onReservationReleased`).
   */
  readonly call: (
    inputs: readonly I[],
    grant: Grant<M>,
    onReservationReleased: () => void,
    hasCanary: boolean,
  ) => Promise<FailureDecision | undefined>;
  /** The room for a canary in a batch that starts with this input; undefined if none is due. */
  readonly roomForCanary?: (first: I) => Sized | undefined;
}

interface InFlightCall<I, M> {
  readonly lane: ModelLane<M>;
  readonly batch: Batch<I>;
  readonly done: Promise<void>;
}

/** The poll interval while only the end of another worker's call can help. */
const POLL_MS = 15;
/** The longest wait before the limiter is asked again: limits may have been raised meanwhile. */
const MAX_WAIT_MS = 1_000;
/** The same while the lane waits for more than a minute, as for a limit of a day. */
const MAX_LONG_WAIT_MS = 10_000;
const RESERVE_RETRY_MS = 500;
const LOCK_CHECK_MS = 250;
const MAX_BATCHES_PER_RESERVATION = 32;
/**
 * The limiter assumes that a request arrives at the provider within two seconds of its grant. A process that was
 * stalled between asking and receiving the grant (a long pause, a suspended machine) could send later, so it does not
 * send.
 */
const MAX_GRANT_AGE_MS = LIMITER_DEFAULTS.transitMs * 0.8;
/** A job whose lanes are all parked returns to the queue, so that it does not take the place of other jobs. */
const PARKED_DELAY_MS = 3_000;

/**
 * Makes the calls of one model in one worker: packs inputs into full batches across jobs, reserves, and calls. A chat
 * batch has one input.
 *
 * At any time an input is in exactly one place: in the queue, in a batch that a reservation is requested for, or in a
 * call. The loop takes batches out of the queue before it requests reservations and requeues those that were not
 * granted, so it never works with outdated batches.
 */
export class ModelDispatcher<I extends PendingInput, M> {
  readonly #chooser: LaneChooser<M>;
  readonly #options: DispatcherOptions;
  readonly #deps: DispatcherDeps<I, M>;
  readonly #queue: BatchQueue<I>;
  /** Batches that were taken out of the queue and for which reservations are requested. */
  #reserving: readonly Batch<I>[] = [];
  /** By reservation. */
  readonly #calls = new Map<string, InFlightCall<I, M>>();
  readonly #wakeSignal: WakeSignal;
  #stopReason: ReturnToQueue | undefined;
  readonly #loop: Promise<void>;

  constructor(chooser: LaneChooser<M>, options: DispatcherOptions, deps: DispatcherDeps<I, M>) {
    this.#chooser = chooser;
    this.#options = options;
    this.#deps = deps;
    this.#queue = new BatchQueue(options.limits, deps.clock);
    this.#wakeSignal = new WakeSignal(deps.clock);
    this.#loop = this.#run();
  }

  /** The model of each lane. */
  get models(): readonly M[] {
    return this.#chooser.models;
  }

  /** Reservations of calls in flight, by lane. */
  inFlight(): Map<ModelLane<M>, string[]> {
    const byLane = new Map<ModelLane<M>, string[]>();
    for (const [id, { lane }] of this.#calls) byLane.set(lane, [...(byLane.get(lane) ?? []), id]);
    return byLane;
  }

  /** Inputs that are submitted after `stop` are returned at once: a stop may come while their job is being claimed. */
  submit(inputs: readonly I[]): void {
    this.#queue.push(inputs);
    this.#onSubmitted();
  }

  /** Submits one input that is called alone, because it is suspected of crashing its worker. */
  submitAlone(input: I): void {
    this.#queue.pushReady([createFixedBatch([input])]);
    this.#onSubmitted();
  }

  #onSubmitted(): void {
    if (this.#stopReason) this.returnToQueue(this.#stopReason);
    this.#wakeSignal.notify();
  }

  /** Returns the inputs of a job (or of all jobs) to the BullMQ queue. Calls in flight are completed first. */
  returnToQueue(reason: ReturnToQueue, matches: (input: I) => boolean = () => true): void {
    this.#queue.returnToQueue(reason, matches);
    const inCalls = [...this.#calls.values()].map(({ batch }) => batch);
    for (const batch of [...this.#reserving, ...inCalls]) returnInputs(getAllInputs(batch).filter(matches), reason);
    this.#wakeSignal.notify();
  }

  /** Starts no further call, returns waiting inputs, and resolves when the calls in flight have ended. */
  async stop(reason: ReturnToQueue): Promise<void> {
    this.#stopReason = reason;
    this.returnToQueue(reason);
    this.#queue.stop();
    await this.#loop;
    await Promise.all([...this.#calls.values()].map(({ done }) => done));
  }

  async #run(): Promise<void> {
    while (!this.#stopReason) {
      this.#wakeSignal.reset();
      const { batches, lingerMs } = this.#takeBatches();
      if (batches.length === 0) {
        await this.#wakeSignal.wait(lingerMs);
        continue;
      }
      try {
        await this.#reserveAndStart(batches);
      } catch (error) {
        // Redis is unavailable. If anything was granted, its lease expires.
        this.#reserving = [];
        this.#queue.requeue(batches);
        this.#deps.log.warn("could not reserve; retrying", { error: coerceError(error).message });
        await this.#wakeSignal.wait(RESERVE_RETRY_MS);
      }
    }
  }

  #takeBatches(): TakenBatches<I> {
    const { canCall, maxCalls, lingerMs } = this.#options;
    if (!canCall()) return { batches: [], lingerMs: LOCK_CHECK_MS };
    const count = Math.min(maxCalls - this.#calls.size, MAX_BATCHES_PER_RESERVATION);
    return this.#queue.take(count, {
      // While calls are in flight more jobs will come, and a fuller batch is worth more than a few milliseconds.
      lingerMs: this.#calls.size > 0 ? lingerMs * 4 : lingerMs,
      isTesting: this.#calls.values().some(({ batch }) => batch.groupRest !== undefined),
      roomFor: this.#deps.roomForCanary,
    });
  }

  async #reserveAndStart(taken: readonly Batch<I>[]): Promise<void> {
    const { clock } = this.#deps;
    const interactive = taken.filter(isInteractiveBatch);
    const batches = [...interactive, ...taken.filter((batch) => !isInteractiveBatch(batch))];
    this.#reserving = batches;
    const requestedAt = clock.monotonic();
    const { grants, wait, areAllParked } = await this.#chooser.reserve(
      batches.map((batch) => batch.tokens),
      interactive.length,
    );
    this.#reserving = [];
    if (clock.monotonic() - requestedAt > MAX_GRANT_AGE_MS) {
      for (const grant of grants) this.#releaseUnused(grant);
      this.#queue.requeue(batches);
      return;
    }
    grants.forEach((grant, i) => {
      const batch = batches[i];
      if (batch) this.#start(batch, grant);
    });
    const refused = batches.slice(grants.length);
    if (refused.length === 0) return;
    this.#queue.requeue(refused);
    if (areAllParked) {
      this.returnToQueue(new ReturnToQueue("all lanes are parked", PARKED_DELAY_MS, { isExponential: true }));
      return;
    }
    const { ms = POLL_MS } = wait ?? {};
    await this.#wakeSignal.wait(Math.min(ms, ms > 60_000 ? MAX_LONG_WAIT_MS : MAX_WAIT_MS));
  }

  /** Settles a reservation for which no request was sent. If this fails, the reservation's lease expires. */
  #releaseUnused({ lane, reservation }: Grant<M>): void {
    this.#deps.limiter.settle(lane.lane, [{ id: reservation.id, outcome: "unsent" }]).catch(() => undefined);
  }

  #start(batch: Batch<I>, grant: Grant<M>): void {
    const { id } = grant.reservation;
    const inputs = getCallableInputs(batch);
    if (inputs.length === 0) {
      this.#releaseUnused(grant);
      this.#queue.releaseGroupRest(batch);
      return;
    }
    for (const { completion } of inputs) completion.markCallStarted();
    const called = { ...batch, inputs };
    const done = this.#call(called, grant).finally(() => {
      this.#calls.delete(id);
      for (const { completion } of inputs) completion.markCallFinished();
      this.#wakeSignal.notify();
    });
    this.#calls.set(id, { lane: grant.lane, batch: called, done });
  }

  async #call(batch: Batch<I>, grant: Grant<M>): Promise<void> {
    const guard = batch.inputs[0]?.callGuard;
    if (guard && !(await this.#enterGuard(guard, batch, grant))) return;
    const onReleased = () => this.#wakeSignal.notify();
    const decision = await this.#deps.call(batch.inputs, grant, onReleased, batch.hasCanary === true);
    await guard?.leave();
    if (decision) this.#applyDecision(decision, batch);
    else {
      // Records mean that the lane answers again.
      this.#queue.releaseAwaitingProbe();
      this.#queue.accept(batch);
    }
  }

  /**
   * Enters a call guard. False when the reservation was released, because the call is not allowed, the grant is too old, or
   * the job is being returned.
   */
  async #enterGuard(guard: CallGuard, batch: Batch<I>, grant: Grant<M>): Promise<boolean> {
    const enteredAt = this.#deps.clock.monotonic();
    const canCall = await guard.enter();
    const isLate = this.#deps.clock.monotonic() - enteredAt > MAX_GRANT_AGE_MS / 2;
    const isReturning = getCallableInputs(batch).length === 0;
    if (canCall && !isLate && !isReturning) return true;
    this.#releaseUnused(grant);
    if (!canCall) return false;
    await guard.leave();
    if (!isReturning) this.#queue.requeue([batch]);
    return false;
  }

  #applyDecision(decision: FailureDecision, batch: Batch<I>): void {
    switch (decision.action) {
      case "snooze":
        if (decision.delayMs === undefined) this.#queue.requeue([batch]);
        else this.#queue.pushDelayed(batch, decision.delayMs, () => this.#wakeSignal.notify());
        break;
      case "park":
        this.#queue.requeue([batch]);
        break;
      case "retry": {
        const fixedBatch = { ...batch, isRepackable: false };
        if (decision.isLaneOut) this.#queue.pushAwaitingProbe(fixedBatch);
        else this.#queue.pushDelayed(fixedBatch, decision.delayMs, () => this.#wakeSignal.notify());
        break;
      }
      case "bisect":
        this.#queue.bisect(batch, decision.cause);
        break;
      case "return-to-queue":
        returnInputs(getAllInputs(batch), new ReturnToQueue("the worker is stopping"));
        break;
      case "fail":
        this.#queue.refuse(batch);
        break;
    }
  }
}
