/** How many failed sign-in attempts are allowed within the window. */
export interface SignInLimits {
  readonly windowMs: number;
  /** Of one account from one address. */
  readonly perAccount: number;
  /** Of all accounts from one address; more than `perAccount`, because users behind a NAT or a proxy share an address. */
  readonly perAddress: number;
  readonly total: number;
}

export const SIGN_IN_LIMITS: SignInLimits = { windowMs: 5 * 60_000, perAccount: 10, perAddress: 50, total: 300 };

/** Who tries to sign in. */
export interface SignInSource {
  /** The name that the user gave; empty if there is none. Upper and lower case and surrounding spaces do not matter. */
  readonly account: string;
  readonly address: string;
}

export interface SignInAttempt {
  /** How long the account must wait before its next attempt; 0 when the attempt is allowed. */
  readonly retryAfterMs: number;
  /** Call it after a successful sign-in: this attempt no longer counts. Other attempts of the same account still do. */
  refund(): void;
}

/** Limits failed sign-in attempts per account and address, per address, and in total, on a monotonic clock. */
export class SignInLimiter {
  readonly #limits: SignInLimits;
  readonly #now: () => number;
  #failures: (SignInSource & { readonly at: number })[] = [];

  constructor(limits: SignInLimits = SIGN_IN_LIMITS, now: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#now = now;
  }

  /** Every attempt counts as failed until it is refunded. */
  countAttempt({ address, account: name }: SignInSource): SignInAttempt {
    const at = this.#now();
    const account = name.trim().toLowerCase();
    const { windowMs, perAccount, perAddress, total } = this.#limits;
    const since = at - windowMs;
    this.#failures = this.#failures.filter((failure) => failure.at > since);
    const ofAddress = this.#failures.filter((failure) => failure.address === address);
    const ofAccount = ofAddress.filter((failure) => failure.account === account);
    const retryAfterMs = Math.max(
      computeWait(ofAccount, perAccount, since),
      computeWait(ofAddress, perAddress, since),
      computeWait(this.#failures, total, since),
    );
    // Counted before the password is checked; otherwise many concurrent attempts would all pass.
    const attempt = { at, address, account };
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
