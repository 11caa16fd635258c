interface Sample {
  readonly at: number;
  readonly items: number;
  readonly calls: number;
  readonly tokens: number;
}

export interface Rates {
  readonly itemsPerSecond?: number;
  readonly callsPerSecond?: number;
  readonly tokensPerSecond?: number;
  readonly etaMs?: number;
}

/** Long enough to even out a provider's bursts, short enough to show a change while somebody looks. */
const WINDOW_MS = 20_000;
const MIN_SPAN_MS = 900;

/** Rates over the last seconds. Pure but for its own list of samples; time comes in with them. */
export class RateTracker {
  readonly #samples: Sample[] = [];

  add(sample: Sample): void {
    this.#samples.push(sample);
    while ((this.#samples[1]?.at ?? Number.POSITIVE_INFINITY) <= sample.at - WINDOW_MS) this.#samples.shift();
  }

  /** Unknown until there is a second to look at; time remaining is unknown while nothing moves. */
  rates(missing: number): Rates {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (!first || !last || last.at - first.at < MIN_SPAN_MS) return {};
    const seconds = (last.at - first.at) / 1000;
    const itemsPerSecond = (last.items - first.items) / seconds;
    return {
      itemsPerSecond,
      callsPerSecond: (last.calls - first.calls) / seconds,
      tokensPerSecond: (last.tokens - first.tokens) / seconds,
      ...(itemsPerSecond > 0 ? { etaMs: Math.round((missing / itemsPerSecond) * 1000) } : {}),
    };
  }
}
