import { addFigures, type LaneFigures, NO_FIGURES, TELEMETRY_STEPS } from "../../queue/telemetry.ts";
import type { TelemetryHistory } from "../../queue/telemetry-history.ts";

export interface RecentFigures {
  readonly figures: LaneFigures;
  /** A count of these figures as a rate. */
  perMinute(count: number): number;
}

/** What a lane did within about the last `ms`, in whole steps with the one under way; undefined for an unknown lane. */
export function recentFigures(
  history: TelemetryHistory,
  lane: string,
  ms: number,
): RecentFigures | undefined {
  const points = history.series(lane, "fine").filter(({ at }) => at > history.now - ms);
  const [first] = points;
  if (!first) return undefined;
  // A step that has just begun would make a rate of nothing.
  const spanMs = Math.max(TELEMETRY_STEPS.fine.stepMs, history.now - first.at);
  return {
    figures: points.reduce<LaneFigures>(addFigures, NO_FIGURES),
    perMinute: (count) => (count * 60_000) / spanMs,
  };
}

/** Several lanes together. */
export function addRecent(recent: readonly RecentFigures[]): RecentFigures | undefined {
  const [first] = recent;
  if (!first) return undefined;
  return {
    figures: recent.reduce<LaneFigures>((sum, { figures }) => addFigures(sum, figures), NO_FIGURES),
    perMinute: first.perMinute,
  };
}

/** Calls that ended in an error other than a throttle answer. */
export function failuresOf({ errors, throttles }: LaneFigures): number {
  return Math.max(0, Object.values(errors).reduce((sum, count) => sum + (count ?? 0), 0) - throttles);
}
