import type { Clock } from "../core/clock.ts";
import type { RetryDecision } from "../core/decide-retry.ts";
import { coerceError } from "../core/errors.ts";
import { LIMITER_DEFAULTS, type Limiter } from "../limiter/limiter.ts";
import { FairLine } from "./fair-line.ts";
import type { GroupInput } from "./group-input.ts";
import { HandBack } from "./job-ticket.ts";
import type { Grant, LaneChooser, ModelLane } from "./model-lanes.ts";
import { type BatchLimits, packBatch } from "./pack-batch.ts";
import type { WorkerLog } from "./worker-log.ts";

export interface GroupOptions {
  readonly limits: BatchLimits;
  /** Calls this worker has in flight at once, whatever the lane allows. */
  readonly maxCalls: number;
  /** How long an input may wait for others to fill its batch. */
  readonly lingerMs: number;
  /** False while this worker cannot be sure that its jobs are still its own: no new call is started then. */
  readonly mayCall: () => boolean;
}

export interface GroupDeps<I, M> {
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
    onFree: () => void,
  ) => Promise<RetryDecision | undefined>;
}

interface Batch<I> {
  readonly inputs: readonly I[];
  readonly tokens: number;
  /** Put together by packing, so its inputs may be packed anew; not after a bisection. */
  readonly loose: boolean;
}

/** How long the group waits where only another worker's call can end the wait. */
const POLL_MS = 15;
/**
 * A grant counts at the provider from two seconds after it was made at the latest. A process that was stalled between
 * asking and hearing (a long pause, a suspended machine) could send later than that, and does not send.
 */
const LATE_MS = LIMITER_DEFAULTS.transitMs * 0.8;
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
export class CallGroup<I extends GroupInput, M> {
  readonly #chooser: LaneChooser<M>;
  readonly #options: GroupOptions;
  readonly #deps: GroupDeps<I, M>;
  readonly #clock: Clock;
  readonly #line = new FairLine<I>();
  #ready: Batch<I>[] = [];
  /** Batches the loop has taken out and asks reservations for. */
  #asked: readonly Batch<I>[] = [];
  /** Batches that failed while the lane was out: they let others be the next probe. */
  #aside: Batch<I>[] = [];
  readonly #delayed = new Map<Batch<I>, AbortController>();
  readonly #flights = new Map<string, { readonly lane: ModelLane<M>; readonly done: Promise<void> }>();
  #wake = Promise.withResolvers<void>();
  #stopReason: HandBack | undefined;
  readonly #loop: Promise<void>;

  constructor(chooser: LaneChooser<M>, options: GroupOptions, deps: GroupDeps<I, M>) {
    this.#chooser = chooser;
    this.#options = options;
    this.#deps = deps;
    this.#clock = deps.clock;
    this.#loop = this.#run();
  }

  /** Reservations of calls in flight, by lane, to be renewed. */
  inFlight(): Map<ModelLane<M>, string[]> {
    const byLane = new Map<ModelLane<M>, string[]>();
    for (const [id, { lane }] of this.#flights) byLane.set(lane, [...(byLane.get(lane) ?? []), id]);
    return byLane;
  }

  /** After `stop`, what is submitted goes back at once: a stop may come while a job is being claimed. */
  submit(inputs: readonly I[]): void {
    this.#line.push(...inputs);
    if (this.#stopReason) this.handBack(this.#stopReason);
    this.#signal();
  }

  /** Submits one input that goes alone: it is suspected of crashing its worker. */
  submitAlone(input: I): void {
    this.#ready.push({ inputs: [input], tokens: input.tokens, loose: false });
    if (this.#stopReason) this.handBack(this.#stopReason);
    this.#signal();
  }

  /** Gives back the inputs of a job (or of all jobs) that are not inside a call. */
  handBack(reason: HandBack, matches: (input: I) => boolean = () => true): void {
    giveBack(this.#line.remove(matches), reason);
    const held = [...this.#ready, ...this.#aside, ...this.#delayed.keys(), ...this.#asked];
    // Tickets only: whatever holds one of the inputs drops it when it looks.
    for (const { inputs } of held) giveBack(inputs.filter(matches), reason);
    for (const inputs of this.#flying) giveBack(inputs.filter(matches), reason);
    this.#signal();
  }

  /** Starts no further call, gives back what waits, and resolves when the calls in flight have ended. */
  async stop(reason: HandBack): Promise<void> {
    this.#stopReason = reason;
    this.handBack(reason);
    for (const timer of this.#delayed.values()) timer.abort();
    await this.#loop;
    await Promise.all([...this.#flights.values()].map((flight) => flight.done));
  }

  readonly #flying = new Set<readonly I[]>();

  #signal(): void {
    this.#wake.resolve();
  }

  async #run(): Promise<void> {
    while (!this.#stopReason) {
      this.#wake = Promise.withResolvers<void>();
      const { batches, lingerMs } = this.#takeBatches();
      if (batches.length === 0) {
        await this.#pause(lingerMs);
        continue;
      }
      try {
        await this.#reserveAndStart(batches);
      } catch (error) {
        // Redis is away: nothing was granted, as far as we can know. Lost grants lapse by their lease.
        this.#asked = [];
        this.#putBack(batches);
        this.#deps.log.warn("could not reserve; trying again", { error: coerceError(error).message });
        await this.#pause(500);
      }
    }
  }

  /** Takes the next batches there is room for; a batch that is not full yet may linger for more inputs. */
  #takeBatches(): { batches: Batch<I>[]; lingerMs: number | undefined } {
    const batches: Batch<I>[] = [];
    if (!this.#options.mayCall()) return { batches, lingerMs: 250 };
    const room = Math.min(this.#options.maxCalls - this.#flights.size, 32);
    while (batches.length < room) {
      const ready = this.#ready.shift() ?? (this.#line.length === 0 ? this.#aside.shift() : undefined);
      if (!ready) break;
      const inputs = ready.inputs.filter((input) => !input.ticket.isReturning);
      if (inputs.length > 0) batches.push({ ...ready, inputs });
    }
    while (batches.length < room && this.#line.length > 0) {
      const plan = packBatch(this.#line, this.#options.limits);
      if (!plan.full) {
        const lingerMs = this.#lingerMs() - (this.#clock.now() - this.#oldestArrival());
        if (lingerMs > 0) return { batches, lingerMs };
      }
      const inputs = this.#line.take(plan.size);
      batches.push({ inputs, tokens: plan.tokens, loose: true });
    }
    return { batches, lingerMs: undefined };
  }

  /** While calls are under way jobs keep coming, and a fuller batch is worth more than a few milliseconds. */
  #lingerMs(): number {
    return this.#flights.size > 0 ? this.#options.lingerMs * 4 : this.#options.lingerMs;
  }

  #oldestArrival(): number {
    for (const input of this.#line) return input.arrivedAt;
    return this.#clock.now();
  }

  async #reserveAndStart(taken: readonly Batch<I>[]): Promise<void> {
    const urgent = taken.filter(isUrgent);
    const batches = urgent.length === 0 ? taken : [...urgent, ...taken.filter((batch) => !isUrgent(batch))];
    this.#asked = batches;
    const askedAt = this.#clock.now();
    const answer = await this.#chooser.reserve(
      batches.map((batch) => batch.tokens),
      urgent.length,
    );
    this.#asked = [];
    if (this.#clock.now() - askedAt > LATE_MS) {
      for (const grant of answer.grants) this.#giveBack(grant);
      this.#putBack(batches);
      return;
    }
    answer.grants.forEach((grant, i) => {
      const batch = batches[i];
      if (batch) this.#start(batch, grant);
    });
    const left = batches.slice(answer.grants.length);
    if (left.length === 0) return;
    this.#putBack(left);
    if (answer.parked) {
      this.handBack(new HandBack("all lanes are parked", PARKED_DELAY_MS, { grows: true }));
      return;
    }
    await this.#pause(Math.min(answer.wait?.ms ?? POLL_MS, 1_000));
  }

  /** No request was sent for it; should this get lost, the reservation lapses by itself. */
  #giveBack({ lane, reservation }: Grant<M>): void {
    this.#deps.limiter.settle(lane.lane, [{ id: reservation.id, outcome: "unsent" }]).catch(() => undefined);
  }

  /** To the front, in order; inputs from the line may be packed anew, fuller than before. */
  #putBack(batches: readonly Batch<I>[]): void {
    const open = (batch: Batch<I>) => batch.inputs.filter((input) => !input.ticket.isReturning);
    this.#line.unshift(batches.filter((batch) => batch.loose).flatMap(open));
    this.#ready = [...batches.filter((batch) => !batch.loose), ...this.#ready];
  }

  /** Until something changes here (an input arrives, a call ends), or the time is over. */
  async #pause(ms: number | undefined): Promise<void> {
    if (ms === undefined) return await this.#wake.promise;
    const timer = new AbortController();
    await Promise.race([
      this.#wake.promise,
      this.#clock.sleep(Math.max(1, ms), timer.signal).catch(() => undefined),
    ]);
    timer.abort();
  }

  #start(batch: Batch<I>, grant: Grant<M>): void {
    const inputs = batch.inputs.filter((input) => !input.ticket.isReturning);
    if (inputs.length === 0) {
      this.#giveBack(grant);
      return;
    }
    for (const input of inputs) input.ticket.callStarted();
    this.#flying.add(inputs);
    const done = this.#call({ ...batch, inputs }, grant).finally(() => {
      this.#flights.delete(grant.reservation.id);
      this.#flying.delete(inputs);
      for (const input of inputs) input.ticket.callEnded();
      this.#signal();
    });
    this.#flights.set(grant.reservation.id, { lane: grant.lane, done });
  }

  async #call(batch: Batch<I>, grant: Grant<M>): Promise<void> {
    const decision = await this.#deps.call(batch.inputs, grant, () => this.#signal());
    // A record means that the lane answers: what had stood aside has its turn again.
    if (!decision) this.#ready.push(...this.#aside.splice(0));
    switch (decision?.action) {
      case "snooze":
      case "park":
        return this.#putBack([batch]);
      case "retry":
        if (decision.laneIsOut) this.#aside.push({ ...batch, loose: false });
        else this.#later({ ...batch, loose: false }, decision.delayMs);
        return;
      case "bisect": {
        const middle = Math.ceil(batch.inputs.length / 2);
        for (const inputs of [batch.inputs.slice(0, middle), batch.inputs.slice(middle)]) {
          this.#ready.push({
            inputs,
            tokens: inputs.reduce((sum, input) => sum + input.tokens, 0),
            loose: false,
          });
        }
        return;
      }
      case "hand-back":
        for (const input of batch.inputs) input.ticket.handBack(new HandBack("the worker is stopping"));
        return;
    }
  }

  #later(batch: Batch<I>, delayMs: number): void {
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

function isUrgent<I extends GroupInput>({ inputs }: Batch<I>): boolean {
  return inputs.some((input) => input.isUrgent);
}

function giveBack(inputs: readonly GroupInput[], reason: HandBack): void {
  for (const input of inputs) input.ticket.handBack(reason);
}
