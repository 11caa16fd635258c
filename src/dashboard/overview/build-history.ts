import { estimateQuantile } from "#src/core/duration-histogram.ts";
import type { GaugeHistory } from "#src/dashboard/sampling/gauges.ts";
import {
  addStats,
  EMPTY_STATS,
  type LanePoint,
  type LaneStats,
  TELEMETRY_STEPS,
} from "#src/state/telemetry/telemetry.ts";
import { HISTORY_SPAN_MS, type TelemetryHistory } from "#src/state/telemetry/telemetry-history.ts";
import { groupLanesByProvider } from "./describe-providers.ts";
import type { HistoryMetric, HistorySeries, MetricHistory } from "./history-api.ts";
import { countCallFailures } from "./recent-stats.ts";

export type HistorySpan = "hour" | "day";

/** The day uses steps of 5 minutes, because steps of a minute would be more points than a screen has columns. */
export const HISTORY_SPANS = {
  hour: { step: "fine", stepMs: TELEMETRY_STEPS.fine.stepMs, spanMs: HISTORY_SPAN_MS.fine },
  day: { step: "coarse", stepMs: 5 * 60_000, spanMs: HISTORY_SPAN_MS.coarse },
} as const;

type DeriveValue = (stats: LaneStats, perMinute: (count: number) => number) => number | undefined;

const DERIVED: Readonly<Partial<Record<HistoryMetric, DeriveValue>>> = {
  calls: ({ answered }, perMinute) => perMinute(answered),
  items: ({ inputs }, perMinute) => perMinute(inputs),
  tokens: ({ tokens }, perMinute) => perMinute(tokens.input + tokens.output),
  failures: (stats, perMinute) => perMinute(countCallFailures(stats)),
  throttles: ({ throttles }, perMinute) => perMinute(throttles),
  "upstream-p50": ({ durations }) => estimateQuantile(durations, 0.5),
  "upstream-p95": ({ durations }) => estimateQuantile(durations, 0.95),
};
const GAUGES: readonly HistoryMetric[] = ["queue-depth", "workers", "redis-memory"];

/** The charts of the last hour or day; the last step is still in progress. Pure. */
export function buildHistory(
  telemetry: TelemetryHistory,
  gauges: GaugeHistory,
  span: HistorySpan,
): Omit<MetricHistory, "runs"> {
  const { stepMs, spanMs } = HISTORY_SPANS[span];
  const lastStep = Math.floor(telemetry.now / stepMs) * stepMs;
  const at = Array.from({ length: spanMs / stepMs }, (_, i) => lastStep - spanMs + (i + 1) * stepMs);
  return { stepMs, at, lines: buildSeries(telemetry, gauges, span, at) };
}

/** The last step only, by series; unknown values are absent. Pure. */
export function buildLatestPoint(
  telemetry: TelemetryHistory,
  gauges: GaugeHistory,
  span: HistorySpan,
): { readonly at: number; readonly values: Readonly<Record<string, number>> } {
  const { stepMs } = HISTORY_SPANS[span];
  const at = Math.floor(telemetry.now / stepMs) * stepMs;
  const lines = buildSeries(telemetry, gauges, span, [at]);
  const values = lines.flatMap(({ seriesKey, values: [value] }) =>
    value === null || value === undefined ? [] : [[seriesKey, value] as const],
  );
  return { at, values: Object.fromEntries(values) };
}

function buildSeries(
  telemetry: TelemetryHistory,
  gauges: GaugeHistory,
  span: HistorySpan,
  at: readonly number[],
): HistorySeries[] {
  const lanes = groupLanesByProvider(telemetry);
  const sources: [provider: string | undefined, lanes: readonly string[]][] = [
    [undefined, telemetry.lanes()],
    ...[...lanes].sort(([a], [b]) => (a < b ? -1 : 1)),
  ];
  return [
    ...sources.flatMap(([provider, names]) =>
      buildDerivedSeries(provider, sumLaneSteps(telemetry, names, span, at), at),
    ),
    ...buildGaugeSeries(gauges, at),
  ];
}

type Step = { readonly stats: LaneStats; readonly perMinute: (count: number) => number } | undefined;

/**
 * The combined stats of lanes in each step. Undefined for steps before the first call on any of them, as far back as
 * Redis knows: the rate of an unused lane is unknown, not zero.
 */
function sumLaneSteps(
  telemetry: TelemetryHistory,
  lanes: readonly string[],
  span: HistorySpan,
  at: readonly number[],
): Step[] {
  const { step, stepMs } = HISTORY_SPANS[span];
  const first = at[0] ?? 0;
  const sums = new Map<number, LaneStats>();
  for (const lane of lanes) {
    const points = telemetry.series(lane, step);
    const since = findFirstUse(telemetry, lane);
    for (let i = points.length - 1; i >= 0; i--) {
      const point = points[i];
      if (!point || point.at < first || point.at + TELEMETRY_STEPS[step].stepMs <= since) break;
      const begin = Math.floor(point.at / stepMs) * stepMs;
      sums.set(begin, addStats(sums.get(begin) ?? EMPTY_STATS, point));
    }
  }
  return at.map((begin) => {
    const stats = sums.get(begin);
    // The current step is not over: its rate is that of the elapsed part.
    const elapsedMs = Math.min(stepMs, Math.max(stepMs / 3, telemetry.now - begin));
    return stats && { stats, perMinute: (count) => (count * 60_000) / elapsedMs };
  });
}

/** Start of the first step in which a call on the lane ended; coarse steps reach back further than fine ones. */
function findFirstUse(telemetry: TelemetryHistory, lane: string): number {
  const hasCalls = ({ calls }: LanePoint) => calls > 0;
  const [coarse, fine] = [telemetry.series(lane, "coarse"), telemetry.series(lane, "fine")];
  const firstCoarse = coarse.find(hasCalls)?.at ?? Number.POSITIVE_INFINITY;
  const firstFine = fine.find(hasCalls)?.at ?? Number.POSITIVE_INFINITY;
  // Within the first coarse step, fine steps are more precise.
  return firstFine < firstCoarse + TELEMETRY_STEPS.coarse.stepMs ? firstFine : firstCoarse;
}

function buildDerivedSeries(
  provider: string | undefined,
  steps: readonly Step[],
  at: readonly number[],
): HistorySeries[] {
  const lines = Object.entries(DERIVED).map(([metric, derive]) =>
    toSeries(
      metric as HistoryMetric,
      provider,
      steps.map((step) => step && derive(step.stats, step.perMinute)),
    ),
  );
  if (provider !== undefined) return lines;
  const currencies = new Set(steps.flatMap((step) => Object.keys(step?.stats.cost ?? {})));
  const costs = [...currencies].sort().map((currency) => ({
    ...toSeries(
      "cost",
      undefined,
      at.map((_, i) => steps[i]?.perMinute(steps[i]?.stats.cost[currency] ?? 0)),
    ),
    seriesKey: `cost:${currency}`,
    currency,
  }));
  return [...lines, ...costs];
}

function buildGaugeSeries(gauges: GaugeHistory, at: readonly number[]): HistorySeries[] {
  return gauges
    .names()
    .sort()
    .flatMap((name) => {
      const metric = GAUGES.find((gauge) => name === gauge || name.startsWith(`${gauge}:`));
      if (metric === undefined) return [];
      const provider = name === metric ? undefined : name.slice(metric.length + 1);
      return [
        toSeries(
          metric,
          provider,
          at.map((step) => gauges.at(name, step)),
        ),
      ];
    });
}

function toSeries(
  metric: HistoryMetric,
  provider: string | undefined,
  values: readonly (number | undefined)[],
): HistorySeries {
  return {
    seriesKey: provider === undefined ? metric : `${metric}:${provider}`,
    metric,
    provider,
    values: values.map((value) => (value === undefined ? null : roundToChartPrecision(value))),
  };
}

/** Four digits are more than a chart shows, and take a third of the bytes. */
function roundToChartPrecision(value: number): number {
  return Number(value.toPrecision(4));
}
