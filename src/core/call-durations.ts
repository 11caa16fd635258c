const MAX_SAMPLES = 101;

/** Durations of the latest upstream calls, to tell how long calls in flight will probably take. */
export class CallDurations {
  #samples: number[] = [];

  add(durationMs: number): void {
    this.#samples.push(durationMs);
    if (this.#samples.length > MAX_SAMPLES * 2) this.#samples = this.#samples.slice(-MAX_SAMPLES);
  }

  /** Median of the latest calls in ms; undefined before the first one. */
  get usualMs(): number | undefined {
    const sorted = this.#samples.slice(-MAX_SAMPLES).sort((a, b) => a - b);
    return sorted[sorted.length >> 1];
  }
}
