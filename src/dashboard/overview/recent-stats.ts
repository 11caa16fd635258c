import { addStats, EMPTY_STATS, type LaneStats, TELEMETRY_STEPS } from "#src/state/telemetry/telemetry.ts";
import type { TelemetryHistory } from "#src/state/telemetry/telemetry-history.ts";

export interface RecentStats {
  readonly stats: LaneStats;
  /** A count of these figures as a rate. */
  perMinute(count: number): number;
}

/** What a lane did within about the last `ms`, in whole steps with the one under way; undefined for an unknown lane. */
export function readRecentStats(history: TelemetryHistory, lane: string, ms: number): RecentStats | undefined {
  const points = history.series(lane, "fine").filter(({ at }) => at > history.now - ms);
  const [first] = points;
  if (!first) return undefined;
  // A step that has just begun would make a rate of nothing.
  const spanMs = Math.max(TELEMETRY_STEPS.fine.stepMs, history.now - first.at);
  return {
    stats: points.reduce<LaneStats>(addStats, EMPTY_STATS),
    perMinute: (count) => (count * 60_000) / spanMs,
  };
}

/** Several lanes together. */
export function mergeRecentStats(recent: readonly RecentStats[]): RecentStats | undefined {
  const [first] = recent;
  if (!first) return undefined;
  return {
    stats: recent.reduce<LaneStats>((sum, { stats }) => addStats(sum, stats), EMPTY_STATS),
    perMinute: first.perMinute,
  };
}

/** Calls that ended in an error other than a throttle answer. */
export function countCallFailures({ errors, throttles }: LaneStats): number {
  return Math.max(0, Object.values(errors).reduce((sum, count) => sum + (count ?? 0), 0) - throttles);
}
