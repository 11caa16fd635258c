/** How many failed attempts to sign in are borne within the window. */
export interface SignInLimits {
  readonly windowMs: number;
  readonly perAddress: number;
  readonly total: number;
}

export const SIGN_IN_LIMITS: SignInLimits = { windowMs: 5 * 60_000, perAddress: 10, total: 100 };

export interface SignInAttempt {
  /** How long the address must wait before it may try; 0: it may now. */
  readonly retryAfterMs: number;
  /**
   * It was right, and does not count. Others of the same address go on counting: behind a proxy it is everybody's.
   */
  refund(): void;
}

/**
 * Counts failed attempts to sign in, per address and altogether, on a clock that only goes forward. Behind a proxy all
 * people share its address: headers that name another one can be made up by anybody, so none is believed.
 */
export class SignInLimiter {
  readonly #limits: SignInLimits;
  readonly #now: () => number;
  #failures: { readonly at: number; readonly address: string }[] = [];

  constructor(limits: SignInLimits = SIGN_IN_LIMITS, now: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#now = now;
  }

  /** Every try counts as failed until it is taken back. */
  countAttempt(address: string): SignInAttempt {
    const now = this.#now();
    const { windowMs, perAddress, total } = this.#limits;
    this.#failures = this.#failures.filter(({ at }) => at > now - windowMs);
    const own = this.#failures.filter((failure) => failure.address === address);
    const waits = [computeWait(own, perAddress, now - windowMs), computeWait(this.#failures, total, now - windowMs)];
    const wait = Math.max(...waits);
    // Counted before the password is looked at, or many tries at once would all pass.
    const attempt = { at: now, address };
    if (wait === 0) this.#failures.push(attempt);
    return {
      retryAfterMs: wait,
      refund: () => {
        this.#failures = this.#failures.filter((failure) => failure !== attempt);
      },
    };
  }
}

/** Until fewer than `allowed` failures lie after `since`. */
function computeWait(failures: readonly { readonly at: number }[], allowed: number, since: number): number {
  const oldest = failures[failures.length - allowed];
  return oldest === undefined ? 0 : Math.max(1, Math.ceil(oldest.at - since));
}
