import type { MoneyView, RunSummary } from "#src/dashboard/runs/run-api.ts";
import { addStats, EMPTY_STATS, type LaneStats } from "#src/state/telemetry/telemetry.ts";
import { HISTORY_SPAN_MS, type TelemetryHistory } from "#src/state/telemetry/telemetry-history.ts";

/** The costs of several runs by currency; `expected` only if it is known for every run of the currency. Pure. */
export function sumMoney(runs: readonly Pick<RunSummary, "cost">[]): MoneyView[] {
  const sums = new Map<string, { spent: number; expected: number | undefined }>();
  for (const { cost } of runs) {
    if (!cost) continue;
    const sum = sums.get(cost.currency) ?? { spent: 0, expected: 0 };
    const expected =
      sum.expected === undefined || cost.expected === undefined ? undefined : sum.expected + cost.expected;
    sums.set(cost.currency, { spent: sum.spent + cost.spent, expected });
  }
  return [...sums].map(([currency, sum]) => ({ currency, ...sum }));
}

/** The number of runs that have results but no known cost, so that sums exclude them. Pure. */
export function countUnpriced(runs: readonly Pick<RunSummary, "cost" | "items">[]): number {
  return runs.filter(({ cost, items }) => cost === undefined && (items?.succeeded ?? 0) > 0).length;
}

/** The cost of the calls that ended within the last 24 hours, by currency. Pure. */
export function sumSpentLastDay(telemetry: Pick<TelemetryHistory, "lanes" | "series" | "now">): MoneyView[] {
  const since = telemetry.now - HISTORY_SPAN_MS.coarse;
  const points = telemetry.lanes().flatMap((lane) => telemetry.series(lane, "coarse"));
  const { cost } = points.filter(({ at }) => at > since).reduce<LaneStats>(addStats, EMPTY_STATS);
  return Object.entries(cost)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([currency, spent]) => ({ currency, spent: spent ?? 0 }));
}
