/** Answered calls that have to be known before a call is judged by them. */
const MIN_ANSWERS = 20;
/** Only the latest calls count, because the speed of providers changes. */
const MAX_CALLS = 200;
/** Retries are fewer than other calls, so they are remembered for longer. */
const MAX_RETRIES = 20;

/** How long calls of one kind take. */
export interface CallPace {
  /** Median duration. */
  readonly usualMs: number;
  readonly meanMs: number;
  /** 95th percentiles: 5 % of the calls take longer, or are larger. */
  readonly p95Ms: number;
  readonly p95Tokens: number;
  /** The longest duration of the latest calls whose inputs had failed before; 0 if there was none. */
  readonly longestRetryMs: number;
  readonly answered: number;
  readonly hung: number;
}

interface AnsweredCall {
  readonly durationMs: number;
  /** Estimated. */
  readonly tokens: number;
  /** Its inputs had failed before. */
  readonly isRetry: boolean;
}

/** Durations and sizes of the latest calls of one kind. */
export class PaceTracker {
  #calls: (AnsweredCall | "hung")[] = [];
  /** Durations in ms. */
  #retries: number[] = [];
  /** Computed when it is needed: most calls are never compared with it. */
  #pace: CallPace | undefined;

  add(call: AnsweredCall | "hung"): void {
    this.#pace = undefined;
    this.#calls.push(call);
    if (this.#calls.length > MAX_CALLS * 2) this.#calls = this.#calls.slice(-MAX_CALLS);
    if (call !== "hung" && call.isRetry) this.#retries = [...this.#retries.slice(1 - MAX_RETRIES), call.durationMs];
  }

  /** Undefined until enough calls were answered. */
  get pace(): CallPace | undefined {
    this.#pace ??= computePace(this.#calls.slice(-MAX_CALLS), Math.max(0, ...this.#retries));
    return this.#pace;
  }
}

function computePace(calls: readonly (AnsweredCall | "hung")[], longestRetryMs: number): CallPace | undefined {
  const answered = calls.filter((call) => call !== "hung");
  if (answered.length < MIN_ANSWERS) return undefined;
  const durations = answered.map(({ durationMs }) => durationMs).sort((a, b) => a - b);
  const sizes = answered.map(({ tokens }) => tokens).sort((a, b) => a - b);
  return {
    usualMs: pickQuantile(durations, 0.5),
    meanMs: durations.reduce((sum, ms) => sum + ms, 0) / durations.length,
    p95Ms: pickQuantile(durations, 0.95),
    p95Tokens: pickQuantile(sizes, 0.95),
    longestRetryMs,
    answered: answered.length,
    hung: calls.length - answered.length,
  };
}

function pickQuantile(sorted: readonly number[], q: number): number {
  return sorted[Math.ceil(sorted.length * q) - 1] ?? 0;
}
