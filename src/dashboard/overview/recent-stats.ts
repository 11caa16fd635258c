import { addStats, EMPTY_STATS, type LaneStats, TELEMETRY_STEPS } from "#src/state/telemetry/telemetry.ts";
import type { TelemetryHistory } from "#src/state/telemetry/telemetry-history.ts";

export interface RecentStats {
  readonly stats: LaneStats;
  /** Converts a count of these stats to a rate. */
  perMinute(count: number): number;
}

/** The stats of a lane over about the last `ms`, in whole steps including the current one; undefined without data. */
export function readRecentStats(history: TelemetryHistory, lane: string, ms: number): RecentStats | undefined {
  const points = history.series(lane, "fine").filter(({ at }) => at > history.now - ms);
  const [first] = points;
  if (!first) return undefined;
  // At least one step, because a step that has just started would give an arbitrary rate.
  const spanMs = Math.max(TELEMETRY_STEPS.fine.stepMs, history.now - first.at);
  return {
    stats: points.reduce<LaneStats>(addStats, EMPTY_STATS),
    perMinute: (count) => (count * 60_000) / spanMs,
  };
}

/** The sum over several lanes. */
export function mergeRecentStats(recent: readonly RecentStats[]): RecentStats | undefined {
  const [first] = recent;
  if (!first) return undefined;
  return {
    stats: recent.reduce<LaneStats>((sum, { stats }) => addStats(sum, stats), EMPTY_STATS),
    perMinute: first.perMinute,
  };
}

/** Failed calls, except throttled ones. */
export function countCallFailures({ errors, throttles }: LaneStats): number {
  return Math.max(0, Object.values(errors).reduce((sum, count) => sum + (count ?? 0), 0) - throttles);
}
