/** Figures that nobody writes down, as somebody looked: what was seen last in each step. */
export type GaugeName = "queue-depth" | "workers" | "redis-memory";

export interface GaugeSteps {
  readonly stepMs: number;
  readonly steps: number;
}

/**
 * Remembers gauges in steps of Redis's time, for charts. Steps in which nobody looked stay
 * empty. A clock that jumps back begins anew: points from the future would never leave.
 */
export class GaugeHistory {
  readonly #options: GaugeSteps;
  /** Name ("queue-depth:minimax") -> beginning of a step -> value. */
  readonly #lines = new Map<string, Map<number, number>>();
  #newest = 0;

  constructor(options: GaugeSteps) {
    this.#options = options;
  }

  record(now: number, values: ReadonlyMap<string, number>): void {
    const { stepMs, steps } = this.#options;
    const at = Math.floor(now / stepMs) * stepMs;
    if (at < this.#newest) this.#lines.clear();
    this.#newest = at;
    for (const [name, value] of values) {
      const line = this.#lines.get(name) ?? new Map<number, number>();
      this.#lines.set(name, line);
      line.set(at, value);
      for (const first of line.keys()) {
        if (first > at - stepMs * steps) break;
        line.delete(first);
      }
    }
  }

  names(): string[] {
    return [...this.#lines.keys()];
  }

  at(name: string, step: number): number | undefined {
    return this.#lines.get(name)?.get(step);
  }
}
