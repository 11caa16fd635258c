import { addHistograms, type DurationHistogram, EMPTY_HISTOGRAM } from "#src/core/duration-histogram.ts";
import type { ProviderErrorKind } from "#src/core/failures/errors.ts";
import type { Lane } from "#src/core/lane.ts";
import type { TokenCount, TokenPrice } from "#src/core/money.ts";

/** The outcome of one upstream call, reported once by the worker that made it. */
export interface CallMeasurement {
  readonly lane: Lane;
  /** Undefined for a call that was answered. */
  readonly error?: ProviderErrorKind;
  /** Inputs the call carried; 1 for a chat call. */
  readonly inputs: number;
  /** From sending the request to its complete answer; set for answered calls only, since fast refusals would distort it. */
  readonly durationMs?: number;
  /** From sending the request to its first delta; streamed calls only. */
  readonly firstDeltaMs?: number;
  /** As reported by the provider, or estimated if it reported none; answered calls only. */
  readonly tokens?: TokenCount;
  /** When the call was sent, epoch ms, which its cost depends on. */
  readonly at?: number;
  /** Undefined if no price is known; the call then counts as unpriced. */
  readonly price?: TokenPrice;
}

/** Statistics of one lane, over a time span or in total. All values are sums. */
export interface LaneStats {
  /** Upstream calls that have ended, answered or not. */
  readonly calls: number;
  readonly answered: number;
  /** Inputs of answered calls. */
  readonly inputs: number;
  readonly tokens: { readonly input: number; readonly output: number };
  /** Calls that ended with `throttled` or `overloaded`. */
  readonly throttles: number;
  /** Calls that ended with an error, by kind, including throttles; kinds that did not occur are absent. */
  readonly errors: Readonly<Partial<Record<ProviderErrorKind, number>>>;
  /** Of answered calls. */
  readonly durations: DurationHistogram;
  /** From sending a request to its first delta; of streamed calls only. */
  readonly firstDeltas: DurationHistogram;
  /** Cost by currency of the calls whose price is known. */
  readonly cost: Readonly<Record<string, number>>;
  /** Answered calls without a known price; `cost` does not include them. */
  readonly unpriced: number;
}

export const EMPTY_STATS: LaneStats = {
  calls: 0,
  answered: 0,
  inputs: 0,
  tokens: { input: 0, output: 0 },
  throttles: 0,
  errors: {},
  durations: EMPTY_HISTOGRAM,
  firstDeltas: EMPTY_HISTOGRAM,
  cost: {},
  unpriced: 0,
};

/** Adds statistics of different steps or lanes. */
export function addStats(a: LaneStats, b: LaneStats): LaneStats {
  return {
    calls: a.calls + b.calls,
    answered: a.answered + b.answered,
    inputs: a.inputs + b.inputs,
    tokens: { input: a.tokens.input + b.tokens.input, output: a.tokens.output + b.tokens.output },
    throttles: a.throttles + b.throttles,
    errors: addCounts(a.errors, b.errors),
    durations: addHistograms(a.durations, b.durations),
    firstDeltas: addHistograms(a.firstDeltas, b.firstDeltas),
    cost: addCounts(a.cost, b.cost),
    unpriced: a.unpriced + b.unpriced,
  };
}

function addCounts<K extends string>(
  a: Readonly<Partial<Record<K, number>>>,
  b: Readonly<Partial<Record<K, number>>>,
): Record<K, number> {
  const sum: Record<string, number> = { ...(a as Record<string, number>) };
  for (const [name, count] of Object.entries<number | undefined>(b)) sum[name] = (sum[name] ?? 0) + (count ?? 0);
  return sum as Record<K, number>;
}

/** Time buckets of the statistics: fine ones for charts of the last hour, coarse ones for the last day. */
export const TELEMETRY_STEPS = {
  fine: { stepMs: 10_000, keepMs: 70 * 60_000 },
  coarse: { stepMs: 60_000, keepMs: 25 * 3600_000 },
} as const;
export type TelemetryStep = keyof typeof TELEMETRY_STEPS;

/** TTL of a lane's totals after its last call. Prometheus handles the counter's restart from 0 like that of a process. */
export const TOTALS_TTL_MS = 35 * 24 * 3600_000;

/** One step of a lane's series. `at` is its start, epoch ms on Redis's clock, a multiple of `stepMs`. */
export interface LanePoint extends LaneStats {
  readonly at: number;
}
