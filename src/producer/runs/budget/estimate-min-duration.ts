import { type LaneLimits, type LimitWindow, RATE_LIMITS, type RateLimitField } from "#src/core/lane.ts";

const WINDOW_MS: Readonly<Record<LimitWindow, number>> = {
  second: 1_000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
};

/** The least time, in ms, in which all lanes together can make these calls within their limits; undefined without limits. */
export function estimateMinDurationMs(lanes: readonly LaneLimits[], calls: number, tokens: number): number | undefined {
  // In a burst the n-th window starts after n - 1 windows and is spent in a moment.
  const isBurst = lanes.every((lane) => lane.pacing !== "even");
  const durations = RATE_LIMITS.flatMap(({ dimension, window, field }) => {
    const needed = divideByLimit(dimension === "requests" ? calls : tokens, lanes, field);
    if (needed === undefined) return [];
    const isSpread = !isBurst && WINDOW_MS[window] <= WINDOW_MS.minute;
    return (isSpread ? needed : Math.max(0, Math.ceil(needed) - 1)) * WINDOW_MS[window];
  });
  return durations.length === 0 ? undefined : Math.round(Math.max(...durations));
}

/** Undefined if one of the lanes has no such limit. */
function divideByLimit(amount: number, lanes: readonly LaneLimits[], field: RateLimitField): number | undefined {
  let total = 0;
  for (const { [field]: limit } of lanes) {
    if (limit === undefined) return undefined;
    total += limit;
  }
  return amount / total;
}
