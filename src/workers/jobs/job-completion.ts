/** How long a job of a paused run, or of a model that this worker has no credentials for, is delayed. */
export const PAUSED_DELAY_MS = 2_000;
export const NO_CREDENTIALS_DELAY_MS = 3_000;
/**
 * The longest delay of a job that is returned again and again: hundreds of jobs of a paused run, taken every two
 * seconds, would keep Redis busy for nothing. A run that is resumed or restarted does not wait for it: its coordinator
 * promotes delayed jobs at once.
 */
export const MAX_RETURN_DELAY_MS = 15_000;

/** Why a job returns to the queue unfinished. It is delayed by `delayMs` before it may be taken again. */
export class ReturnToQueue extends Error {
  override readonly name = "ReturnToQueue";
  readonly delayMs: number;
  readonly #isExponential: boolean;

  /** With `isExponential`, the delay doubles each time the job is taken and returned. */
  constructor(reason: string, delayMs = 0, { isExponential = false }: { readonly isExponential?: boolean } = {}) {
    super(reason);
    this.delayMs = delayMs;
    this.#isExponential = isExponential;
  }

  /** The delay in ms of a job that workers have started `starts` times so far (1 or more). */
  computeDelay(starts: number): number {
    if (!this.#isExponential) return this.delayMs;
    // The exponent is bounded because 2^10 exceeds the maximum anyway.
    return Math.min(MAX_RETURN_DELAY_MS, this.delayMs * 2 ** Math.min(10, Math.max(0, starts - 1)));
  }
}

/**
 * Counts the open inputs of one job. `finished` resolves when each has its record. It rejects with `ReturnToQueue` when
 * the job is to be returned and none of its inputs is in a call: answers of calls in flight are committed first.
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
    // The processor awaits `finished` later; an earlier rejection must not be reported as unhandled.
    promise.catch(() => undefined);
    this.finished = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#open = inputs;
    if (inputs === 0) resolve();
  }

  /** True when the job is to be returned to the queue: its inputs must not start another call. */
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
