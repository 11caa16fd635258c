import type { LaneLimits } from "#src/core/lane.ts";

/** The least time, in ms, in which all lanes together can make these calls within their limits; undefined without limits. */
export function estimateMinDurationMs(lanes: readonly LaneLimits[], calls: number, tokens: number): number | undefined {
  const minutes = [
    divideByLimit(calls, lanes, "requestsPerMinute"),
    divideByLimit(tokens, lanes, "tokensPerMinute"),
  ].filter((value) => value !== undefined);
  if (minutes.length === 0) return undefined;
  const needed = Math.max(...minutes);
  // In a burst the n-th window starts after n - 1 minutes and is spent in a moment.
  const isBurst = lanes.every((lane) => lane.pacing !== "even");
  return Math.round((isBurst ? Math.max(0, Math.ceil(needed) - 1) : needed) * 60_000);
}

/** Undefined if one of the lanes has no such limit. */
function divideByLimit(
  amount: number,
  lanes: readonly LaneLimits[],
  field: "requestsPerMinute" | "tokensPerMinute",
): number | undefined {
  let total = 0;
  for (const { [field]: limit } of lanes) {
    if (limit === undefined) return undefined;
    total += limit;
  }
  return amount / total;
}
