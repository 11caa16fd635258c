import type { ReturnToQueue } from "./return-to-queue.ts";

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
