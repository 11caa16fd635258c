/** How long a job of a paused run, or of a model that this worker cannot call, waits before it is taken again. */
export const PAUSED_DELAY_MS = 2_000;
export const FOREIGN_DELAY_MS = 3_000;

/** Why a job goes back to the queue unfinished; `delayMs` says when it may be taken again. */
export class HandBack extends Error {
  override readonly name = "HandBack";
  readonly delayMs: number;

  constructor(reason: string, delayMs = 0) {
    super(reason);
    this.delayMs = delayMs;
  }
}

/**
 * Counts down the inputs of one job. `finished` resolves when each has its record, and rejects with `HandBack` once
 * the job was given back and none of its inputs is inside an upstream call any more: what a call in flight still
 * brings is committed first.
 */
export class JobTicket {
  readonly finished: Promise<void>;
  readonly #resolve: () => void;
  readonly #reject: (reason: HandBack) => void;
  #open: number;
  #inFlight = 0;
  #handBack: HandBack | undefined;

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
    return this.#handBack !== undefined;
  }

  recorded(): void {
    this.#open -= 1;
    if (this.#open === 0) this.#resolve();
  }

  callStarted(): void {
    this.#inFlight += 1;
  }

  callEnded(): void {
    this.#inFlight -= 1;
    this.#settleIfIdle();
  }

  handBack(reason: HandBack): void {
    this.#handBack ??= reason;
    this.#settleIfIdle();
  }

  #settleIfIdle(): void {
    if (this.#handBack && this.#inFlight === 0 && this.#open > 0) this.#reject(this.#handBack);
  }
}
