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
