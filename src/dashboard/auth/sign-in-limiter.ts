/** How many failed sign-in attempts are allowed within the window. */
export interface SignInLimits {
  readonly windowMs: number;
  readonly perAddress: number;
  readonly total: number;
}

export const SIGN_IN_LIMITS: SignInLimits = { windowMs: 5 * 60_000, perAddress: 10, total: 100 };

export interface SignInAttempt {
  /** How long the address must wait before its next attempt; 0 when the attempt is allowed. */
  readonly retryAfterMs: number;
  /**
   * Call it after a successful sign-in: this attempt no longer counts. Other attempts from the same address still do,
   * because behind a proxy all users share one address.
   */
  refund(): void;
}

/**
 * Limits failed sign-in attempts per address and in total, on a monotonic clock. Behind a proxy all users share its
 * address: forwarding headers are not trusted, because any client can forge them.
 */
export class SignInLimiter {
  readonly #limits: SignInLimits;
  readonly #now: () => number;
  #failures: { readonly at: number; readonly address: string }[] = [];

  constructor(limits: SignInLimits = SIGN_IN_LIMITS, now: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#now = now;
  }

  /** Every attempt counts as failed until it is refunded. */
  countAttempt(address: string): SignInAttempt {
    const now = this.#now();
    const { windowMs, perAddress, total } = this.#limits;
    this.#failures = this.#failures.filter(({ at }) => at > now - windowMs);
    const own = this.#failures.filter((failure) => failure.address === address);
    const since = now - windowMs;
    const retryAfterMs = Math.max(computeWait(own, perAddress, since), computeWait(this.#failures, total, since));
    // Counted before the password is checked; otherwise many concurrent attempts would all pass.
    const attempt = { at: now, address };
    if (retryAfterMs === 0) this.#failures.push(attempt);
    return {
      retryAfterMs,
      refund: () => {
        this.#failures = this.#failures.filter((failure) => failure !== attempt);
      },
    };
  }
}

/** Milliseconds until fewer than `allowed` failures are left in the window that starts at `since`. */
function computeWait(failures: readonly { readonly at: number }[], allowed: number, since: number): number {
  const oldest = failures[failures.length - allowed];
  return oldest === undefined ? 0 : Math.max(1, Math.ceil(oldest.at - since));
}
