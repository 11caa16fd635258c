import { addHistograms, type DurationHistogram, EMPTY_HISTOGRAM } from "#src/core/duration-histogram.ts";
import type { ProviderErrorKind } from "#src/core/errors.ts";
import type { Lane } from "#src/core/lane.ts";
import type { TokenPrice } from "#src/core/money.ts";

/** What became of one upstream call, told once by the worker that made it. */
export interface CallMeasurement {
  readonly lane: Lane;
  /** Undefined for a call that was answered. */
  readonly error?: ProviderErrorKind;
  /** Inputs the call carried; 1 for a chat call. */
  readonly inputs: number;
  /** From sending the request to its whole answer. Of answered calls only: a quick refusal says nothing of speed. */
  readonly durationMs?: number;
  /** From sending the request to its first delta, of streamed calls. */
  readonly firstDeltaMs?: number;
  /** As the provider reported; estimated where it reported none. Of answered calls. */
  readonly tokens?: { readonly input: number; readonly output: number };
  /** Absent where no price is known; the call then counts as unpriced. */
  readonly price?: TokenPrice;
}

/** What happened on one lane, in some stretch of time or since ever. All figures are sums and only grow. */
export interface LaneStats {
  /** Upstream calls that ended, whether answered or not. */
  readonly calls: number;
  readonly answered: number;
  /** Inputs of answered calls. */
  readonly inputs: number;
  readonly tokens: { readonly input: number; readonly output: number };
  /** Calls refused for their rate: kinds `throttled` and `overloaded`. */
  readonly throttles: number;
  /** Calls that ended in an error, by its kind, throttles among them; kinds that did not occur are absent. */
  readonly errors: Readonly<Partial<Record<ProviderErrorKind, number>>>;
  /** Of answered calls. */
  readonly durations: DurationHistogram;
  /** From sending a request to its first delta; of streamed calls only. */
  readonly firstDeltas: DurationHistogram;
  /** Money spent by currency, of calls whose price is known. */
  readonly cost: Readonly<Record<string, number>>;
  /** Answered calls whose price nobody knows: with any of them, `cost` is not all that was spent. */
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

/** Adds up figures of one lane, or of several: a provider, an hour. */
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

/** Steps that figures are kept in: fine ones for charts of the last hour, coarse ones for the last day. */
export const TELEMETRY_STEPS = {
  fine: { stepMs: 10_000, keepMs: 70 * 60_000 },
  coarse: { stepMs: 60_000, keepMs: 25 * 3600_000 },
} as const;
export type TelemetryStep = keyof typeof TELEMETRY_STEPS;

/** Life of a lane's totals after its last call. A counter that begins anew is what Prometheus expects of a restart. */
export const TOTALS_TTL_MS = 35 * 24 * 3600_000;

/** One step of a lane's series: `at` is its beginning, epoch ms on Redis's clock, a multiple of `stepMs`. */
export interface LanePoint extends LaneStats {
  readonly at: number;
}
