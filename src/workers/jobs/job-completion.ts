/** How long a job of a paused run, or of a model that this worker cannot call, waits before it is taken again. */
export const PAUSED_DELAY_MS = 2_000;
export const NO_CREDENTIALS_DELAY_MS = 3_000;
/**
 * The longest that the delay of a job grows to while nothing changes: hundreds of jobs of a paused run, taken every two
 * seconds, would keep Redis busy with nothing. A run that is resumed or started again does not wait for it: its
 * coordinator lets delayed jobs go at once.
 */
export const MAX_RETURN_DELAY_MS = 15_000;

/** Why a job goes back to the queue unfinished; `delayMs` says when it may be taken again. */
export class ReturnToQueue extends Error {
  override readonly name = "HandBack";
  readonly delayMs: number;
  readonly #isExponential: boolean;

  /** With `grows`, a job that has been taken in vain before waits longer each time. */
  constructor(reason: string, delayMs = 0, { isExponential = false }: { readonly isExponential?: boolean } = {}) {
    super(reason);
    this.delayMs = delayMs;
    this.#isExponential = isExponential;
  }

  /** `taken`: how often workers have taken the job so far, 1 or more. */
  computeDelay(taken: number): number {
    if (!this.#isExponential) return this.delayMs;
    // Past 2^10 it is the longest anyway.
    return Math.min(MAX_RETURN_DELAY_MS, this.delayMs * 2 ** Math.min(10, Math.max(0, taken - 1)));
  }
}

/**
 * Counts down the inputs of one job. `finished` resolves when each has its record, and rejects with `HandBack` once
 * the job was given back and none of its inputs is inside an upstream call any more: what a call in flight still
 * brings is committed first.
 */
export class JobCompletion {
  readonly finished: Promise<void>;
  readonly #resolve: () => void;
  readonly #reject: (reason: ReturnToQueue) => void;
  #open: number;
  #inFlight = 0;
  #returnReason: ReturnToQueue | undefined;

  constructor(inputs: number) {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // The processor awaits `finished` later; until then a rejection must not count as unhandled.
    promise.catch(() => undefined);
    this.finished = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#open = inputs;
    if (inputs === 0) resolve();
  }

  /** True once the job is going back: its inputs must not start another call. */
  get isReturning(): boolean {
    return this.#returnReason !== undefined;
  }

  markRecorded(): void {
    this.#open -= 1;
    if (this.#open === 0) this.#resolve();
  }

  markCallStarted(): void {
    this.#inFlight += 1;
  }

  markCallFinished(): void {
    this.#inFlight -= 1;
    this.#settleIfIdle();
  }

  returnToQueue(reason: ReturnToQueue): void {
    this.#returnReason ??= reason;
    this.#settleIfIdle();
  }

  #settleIfIdle(): void {
    if (this.#returnReason && this.#inFlight === 0 && this.#open > 0) this.#reject(this.#returnReason);
  }
}
