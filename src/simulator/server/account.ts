import type { SimulatorLimits } from "#src/simulator/settings.ts";
import { SlidingWindow } from "./sliding-window.ts";

const SECOND_MS = 1_000;

export type LimitName = "requests" | "tokens" | "concurrency";

/** Maxima of an account's use, measured where the provider would measure it. */
export interface AccountMaxima {
  /** Admitted calls in any window. */
  readonly requestsInWindow: number;
  /** Admitted tokens in any window. */
  readonly tokensInWindow: number;
  readonly concurrency: number;
  /** Calls in any window, including refused ones. */
  readonly arrivalsInWindow: number;
}

/** Applies the limits of one account. A refused call counts as an arrival only. */
export class SimulatedAccount {
  #requests = new SlidingWindow();
  #tokens = new SlidingWindow();
  #second = new SlidingWindow();
  #arrivals = new SlidingWindow();
  #inFlight = 0;
  #maxInFlight = 0;

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Admits a call, which `release` must end, or returns the limit that refuses it. */
  admit(now: number, tokens: number, limits: SimulatorLimits): LimitName | undefined {
    const { windowMs } = limits;
    this.#arrivals.spend(now, windowMs, 1);
    const exceeded = this.#findExceeded(now, tokens, limits);
    if (exceeded) return exceeded;
    this.#requests.spend(now, windowMs, 1);
    this.#second.spend(now, SECOND_MS, 1);
    this.#tokens.spend(now, windowMs, tokens);
    this.#inFlight += 1;
    this.#maxInFlight = Math.max(this.#maxInFlight, this.#inFlight);
    return undefined;
  }

  release(): void {
    this.#inFlight -= 1;
  }

  maxima(): AccountMaxima {
    return {
      requestsInWindow: this.#requests.max,
      tokensInWindow: this.#tokens.max,
      concurrency: this.#maxInFlight,
      arrivalsInWindow: this.#arrivals.max,
    };
  }

  resetMaxima(now: number, windowMs: number): void {
    for (const window of [this.#requests, this.#tokens, this.#arrivals]) window.resetMax(now, windowMs);
    this.#maxInFlight = this.#inFlight;
  }

  #findExceeded(now: number, tokens: number, limits: SimulatorLimits): LimitName | undefined {
    const { requestsPerWindow, requestsPerSecond, tokensPerWindow, concurrency, windowMs } = limits;
    if (this.#second.sumAt(now, SECOND_MS) + 1 > (requestsPerSecond ?? Number.POSITIVE_INFINITY)) return "requests";
    if (this.#requests.sumAt(now, windowMs) + 1 > (requestsPerWindow ?? Number.POSITIVE_INFINITY)) return "requests";
    if (this.#inFlight + 1 > (concurrency ?? Number.POSITIVE_INFINITY)) return "concurrency";
    if (this.#tokens.sumAt(now, windowMs) + tokens > (tokensPerWindow ?? Number.POSITIVE_INFINITY)) return "tokens";
    return undefined;
  }
}
