import type { Clock } from "#src/core/clock.ts";
import type { RetryDecision } from "#src/core/decide-retry.ts";
import { coerceError } from "#src/core/errors.ts";
import { LIMITER_DEFAULTS, type Limiter } from "#src/limiter/limiter.ts";
import { ReturnToQueue } from "#src/workers/jobs/job-completion.ts";
import type { WorkerLog } from "#src/workers/worker-log.ts";
import { FairQueue } from "./fair-queue.ts";
import type { Grant, LaneChooser, ModelLane } from "./lane-chooser.ts";
import { type BatchLimits, packBatch } from "./pack-batch.ts";
import type { PendingInput } from "./pending-input.ts";

export interface DispatcherOptions {
  readonly limits: BatchLimits;
  /** Calls this worker has in flight at once, whatever the lane allows. */
  readonly maxCalls: number;
  /** How long an input may wait for others to fill its batch. */
  readonly lingerMs: number;
  /** False while this worker cannot be sure that its jobs are still its own: no new call is started then. */
  readonly canCall: () => boolean;
}

export interface DispatcherDeps<I, M> {
  readonly limiter: Limiter;
  readonly clock: Clock;
  readonly log: WorkerLog;
  /**
   * One upstream call: call, check, commit, settle. Resolves with undefined when every input has its record, else
   * with what to do with the inputs. Never throws. May say earlier that its reservation is given back (`onFree`).
   */
  readonly call: (
    inputs: readonly I[],
    grant: Grant<M>,
    onReservationReleased: () => void,
  ) => Promise<RetryDecision | undefined>;
}

interface Batch<I> {
  readonly inputs: readonly I[];
  readonly tokens: number;
  /** Put together by packing, so its inputs may be packed anew; not after a bisection. */
  readonly isRepackable: boolean;
}

/** How long the group waits where only another worker's call can end the wait. */
const POLL_MS = 15;
/**
 * A grant counts at the provider from two seconds after it was made at the latest. A process that was stalled between
 * asking and hearing (a long pause, a suspended machine) could send later than that, and does not send.
 */
const MAX_GRANT_AGE_MS = LIMITER_DEFAULTS.transitMs * 0.8;
/** A job whose lanes are all parked goes back, so that it holds no place of others. */
const PARKED_DELAY_MS = 3_000;

/**
 * The inputs of one model inside one worker: packs them into full batches across jobs, reserves, calls. Chat is the
 * case of one input per batch.
 *
 * An input is at any time in exactly one place: in `line` (waiting to be packed), in `ready` (a batch that goes as
 * it is: one half of a rejected batch, or a retry), aside (the lane was out), in a backoff timer, asked for or inside
 * a call. The loop takes batches out before it asks for reservations and puts back what was not granted, so it never
 * holds a plan that has gone stale.
 */
export class ModelDispatcher<I extends PendingInput, M> {
  readonly #chooser: LaneChooser<M>;
  readonly #options: DispatcherOptions;
  readonly #deps: DispatcherDeps<I, M>;
  readonly #clock: Clock;
  readonly #queue = new FairQueue<I>();
  #ready: Batch<I>[] = [];
  /** Batches the loop has taken out and asks reservations for. */
  #reserving: readonly Batch<I>[] = [];
  /** Batches that failed while the lane was out: they let others be the next probe. */
  #awaitingProbe: Batch<I>[] = [];
  readonly #delayed = new Map<Batch<I>, AbortController>();
  readonly #inFlightCalls = new Map<string, { readonly lane: ModelLane<M>; readonly done: Promise<void> }>();
  #wake = Promise.withResolvers<void>();
  #stopReason: ReturnToQueue | undefined;
  readonly #loop: Promise<void>;

  constructor(chooser: LaneChooser<M>, options: DispatcherOptions, deps: DispatcherDeps<I, M>) {
    this.#chooser = chooser;
    this.#options = options;
    this.#deps = deps;
    this.#clock = deps.clock;
    this.#loop = this.#run();
  }

  /** Reservations of calls in flight, by lane, to be renewed. */
  inFlight(): Map<ModelLane<M>, string[]> {
    const byLane = new Map<ModelLane<M>, string[]>();
    for (const [id, { lane }] of this.#inFlightCalls) byLane.set(lane, [...(byLane.get(lane) ?? []), id]);
    return byLane;
  }

  /** After `stop`, what is submitted goes back at once: a stop may come while a job is being claimed. */
  submit(inputs: readonly I[]): void {
    this.#queue.push(...inputs);
    if (this.#stopReason) this.returnToQueue(this.#stopReason);
    this.#signal();
  }

  /** Submits one input that goes alone: it is suspected of crashing its worker. */
  submitAlone(input: I): void {
    this.#ready.push({ inputs: [input], tokens: input.tokens, isRepackable: false });
    if (this.#stopReason) this.returnToQueue(this.#stopReason);
    this.#signal();
  }

  /** Gives back the inputs of a job (or of all jobs) that are not inside a call. */
  returnToQueue(reason: ReturnToQueue, matches: (input: I) => boolean = () => true): void {
    returnInputs(this.#queue.remove(matches), reason);
    const held = [...this.#ready, ...this.#awaitingProbe, ...this.#delayed.keys(), ...this.#reserving];
    // Tickets only: whatever holds one of the inputs drops it when it looks.
    for (const { inputs } of held) returnInputs(inputs.filter(matches), reason);
    for (const inputs of this.#inFlightInputs) returnInputs(inputs.filter(matches), reason);
    this.#signal();
  }

  /** Starts no further call, gives back what waits, and resolves when the calls in flight have ended. */
  async stop(reason: ReturnToQueue): Promise<void> {
    this.#stopReason = reason;
    this.returnToQueue(reason);
    for (const timer of this.#delayed.values()) timer.abort();
    await this.#loop;
    await Promise.all([...this.#inFlightCalls.values()].map((flight) => flight.done));
  }

  readonly #inFlightInputs = new Set<readonly I[]>();

  #signal(): void {
    this.#wake.resolve();
  }

  async #run(): Promise<void> {
    while (!this.#stopReason) {
      this.#wake = Promise.withResolvers<void>();
      const { batches, lingerMs } = this.#takeBatches();
      if (batches.length === 0) {
        await this.#waitForChange(lingerMs);
        continue;
      }
      try {
        await this.#reserveAndStart(batches);
      } catch (error) {
        // Redis is away: nothing was granted, as far as we can know. Lost grants lapse by their lease.
        this.#reserving = [];
        this.#requeue(batches);
        this.#deps.log.warn("could not reserve; trying again", { error: coerceError(error).message });
        await this.#waitForChange(500);
      }
    }
  }

  /** Takes the next batches there is room for; a batch that is not full yet may linger for more inputs. */
  #takeBatches(): { batches: Batch<I>[]; lingerMs: number | undefined } {
    const batches: Batch<I>[] = [];
    if (!this.#options.canCall()) return { batches, lingerMs: 250 };
    const room = Math.min(this.#options.maxCalls - this.#inFlightCalls.size, 32);
    while (batches.length < room) {
      const ready = this.#ready.shift() ?? (this.#queue.length === 0 ? this.#awaitingProbe.shift() : undefined);
      if (!ready) break;
      const inputs = ready.inputs.filter((input) => !input.completion.isReturning);
      if (inputs.length > 0) batches.push({ ...ready, inputs });
    }
    while (batches.length < room && this.#queue.length > 0) {
      const plan = packBatch(this.#queue, this.#options.limits);
      if (!plan.isFull) {
        const lingerMs = this.#lingerMs() - (this.#clock.now() - this.#oldestArrival());
        if (lingerMs > 0) return { batches, lingerMs };
      }
      const inputs = this.#queue.take(plan.size);
      batches.push({ inputs, tokens: plan.tokens, isRepackable: true });
    }
    return { batches, lingerMs: undefined };
  }

  /** While calls are under way jobs keep coming, and a fuller batch is worth more than a few milliseconds. */
  #lingerMs(): number {
    return this.#inFlightCalls.size > 0 ? this.#options.lingerMs * 4 : this.#options.lingerMs;
  }

  #oldestArrival(): number {
    for (const input of this.#queue) return input.arrivedAt;
    return this.#clock.now();
  }

  async #reserveAndStart(candidates: readonly Batch<I>[]): Promise<void> {
    const interactive = candidates.filter(isInteractive);
    const batches =
      interactive.length === 0 ? candidates : [...interactive, ...candidates.filter((batch) => !isInteractive(batch))];
    this.#reserving = batches;
    const reservingSince = this.#clock.now();
    const answer = await this.#chooser.reserve(
      batches.map((batch) => batch.tokens),
      interactive.length,
    );
    this.#reserving = [];
    if (this.#clock.now() - reservingSince > MAX_GRANT_AGE_MS) {
      for (const grant of answer.grants) this.#releaseUnused(grant);
      this.#requeue(batches);
      return;
    }
    answer.grants.forEach((grant, i) => {
      const batch = batches[i];
      if (batch) this.#start(batch, grant);
    });
    const left = batches.slice(answer.grants.length);
    if (left.length === 0) return;
    this.#requeue(left);
    if (answer.areAllParked) {
      this.returnToQueue(new ReturnToQueue("all lanes are parked", PARKED_DELAY_MS, { isExponential: true }));
      return;
    }
    await this.#waitForChange(Math.min(answer.wait?.ms ?? POLL_MS, 1_000));
  }

  /** No request was sent for it; should this get lost, the reservation lapses by itself. */
  #releaseUnused({ lane, reservation }: Grant<M>): void {
    this.#deps.limiter.settle(lane.lane, [{ id: reservation.id, outcome: "unsent" }]).catch(() => undefined);
  }

  /** To the front, in order; inputs from the line may be packed anew, fuller than before. */
  #requeue(batches: readonly Batch<I>[]): void {
    const open = (batch: Batch<I>) => batch.inputs.filter((input) => !input.completion.isReturning);
    this.#queue.unshift(batches.filter((batch) => batch.isRepackable).flatMap(open));
    this.#ready = [...batches.filter((batch) => !batch.isRepackable), ...this.#ready];
  }

  /** Until something changes here (an input arrives, a call ends), or the time is over. */
  async #waitForChange(ms: number | undefined): Promise<void> {
    if (ms === undefined) return await this.#wake.promise;
    const timer = new AbortController();
    await Promise.race([this.#wake.promise, this.#clock.sleep(Math.max(1, ms), timer.signal).catch(() => undefined)]);
    timer.abort();
  }

  #start(batch: Batch<I>, grant: Grant<M>): void {
    const inputs = batch.inputs.filter((input) => !input.completion.isReturning);
    if (inputs.length === 0) {
      this.#releaseUnused(grant);
      return;
    }
    for (const input of inputs) input.completion.markCallStarted();
    this.#inFlightInputs.add(inputs);
    const done = this.#call({ ...batch, inputs }, grant).finally(() => {
      this.#inFlightCalls.delete(grant.reservation.id);
      this.#inFlightInputs.delete(inputs);
      for (const input of inputs) input.completion.markCallFinished();
      this.#signal();
    });
    this.#inFlightCalls.set(grant.reservation.id, { lane: grant.lane, done });
  }

  async #call(batch: Batch<I>, grant: Grant<M>): Promise<void> {
    const decision = await this.#deps.call(batch.inputs, grant, () => this.#signal());
    // A record means that the lane answers: what had stood aside has its turn again.
    if (!decision) this.#ready.push(...this.#awaitingProbe.splice(0));
    switch (decision?.action) {
      case "snooze":
      case "park":
        return this.#requeue([batch]);
      case "retry":
        if (decision.isLaneOut) this.#awaitingProbe.push({ ...batch, isRepackable: false });
        else this.#scheduleRetry({ ...batch, isRepackable: false }, decision.delayMs);
        return;
      case "bisect": {
        const middle = Math.ceil(batch.inputs.length / 2);
        for (const inputs of [batch.inputs.slice(0, middle), batch.inputs.slice(middle)]) {
          this.#ready.push({
            inputs,
            tokens: inputs.reduce((sum, input) => sum + input.tokens, 0),
            isRepackable: false,
          });
        }
        return;
      }
      case "return-to-queue":
        for (const input of batch.inputs) input.completion.returnToQueue(new ReturnToQueue("the worker is stopping"));
        return;
    }
  }

  #scheduleRetry(batch: Batch<I>, delayMs: number): void {
    if (this.#stopReason) return;
    const timer = new AbortController();
    this.#delayed.set(batch, timer);
    this.#clock
      .sleep(delayMs, timer.signal)
      .then(() => this.#ready.push(batch))
      .catch(() => undefined)
      .finally(() => {
        this.#delayed.delete(batch);
        this.#signal();
      });
  }
}

function isInteractive<I extends PendingInput>({ inputs }: Batch<I>): boolean {
  return inputs.some((input) => input.isInteractive);
}

function returnInputs(inputs: readonly PendingInput[], reason: ReturnToQueue): void {
  for (const input of inputs) input.completion.returnToQueue(reason);
}
