export interface GaugeSteps {
  readonly stepMs: number;
  readonly steps: number;
}

/**
 * Sampled gauges in steps of Redis's time, for charts. Steps without a sample stay empty. If the clock jumps back, all
 * points are dropped, because points from the future would never expire.
 */
export class GaugeHistory {
  readonly #options: GaugeSteps;
  /** Name ("queue-depth:minimax") -> start of a step -> value. */
  readonly #series = new Map<string, Map<number, number>>();
  #newest = 0;

  constructor(options: GaugeSteps) {
    this.#options = options;
  }

  record(now: number, values: ReadonlyMap<string, number>): void {
    const { stepMs, steps } = this.#options;
    const at = Math.floor(now / stepMs) * stepMs;
    if (at < this.#newest) this.#series.clear();
    this.#newest = at;
    for (const [name, value] of values) {
      const points = this.#series.get(name) ?? new Map<number, number>();
      this.#series.set(name, points);
      points.set(at, value);
      for (const oldest of points.keys()) {
        if (oldest > at - stepMs * steps) break;
        points.delete(oldest);
      }
    }
  }

  names(): string[] {
    return [...this.#series.keys()];
  }

  at(name: string, step: number): number | undefined {
    return this.#series.get(name)?.get(step);
  }
}
