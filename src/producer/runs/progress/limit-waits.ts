import type { LaneStatus, LimitUsage } from "#src/limiter/limiter.ts";
import type { LaneSnapshot } from "./run-snapshot.ts";

const MINUTE_MS = 60_000;

/** What the limit allows at this moment; undefined without one. */
function currentLimit({ allowed, learned }: Pick<LimitUsage, "allowed" | "learned">): number | undefined {
  return learned === undefined ? allowed : Math.min(learned, allowed ?? learned);
}

/**
 * The time in ms until a lane may make its next call, if its minute is used up and no call is in flight. A call is assumed
 * to use as many tokens as those of the last minute did. Pure.
 */
export function findWindowWait({
  state,
  minuteFreesMs,
  requests,
  tokens,
  concurrency,
}: LaneStatus): number | undefined {
  if (state !== "open" || concurrency.used > 0 || requests.used === 0) return undefined;
  const isUsedUp =
    requests.used + 1 > (currentLimit(requests) ?? Number.POSITIVE_INFINITY) ||
    tokens.used + tokens.used / requests.used > (currentLimit(tokens) ?? Number.POSITIVE_INFINITY);
  return isUsedUp ? minuteFreesMs : undefined;
}

/** When the next call of a run is possible, if all its lanes wait for that; epoch ms. Pure. */
export function findNextCall(lanes: readonly LaneSnapshot[]): number | undefined {
  const active = lanes.filter(({ state }) => state !== "parked");
  const times = active.flatMap(({ nextCallAt, snoozeUntil }) => nextCallAt ?? snoozeUntil ?? []);
  const isWaiting = active.some(({ nextCallAt }) => nextCallAt !== undefined) && times.length === active.length;
  return isWaiting ? Math.min(...times) : undefined;
}

/** The least time in ms that the lanes' limits per minute allow for these calls; 0 if they are no obstacle. Pure. */
export function estimateLimitedMs(
  lanes: readonly LaneSnapshot[],
  needed: { readonly requests: number; readonly tokens: number },
  now: number,
): number {
  const usable = lanes.filter(({ state }) => state !== "parked");
  const waits = (["requests", "tokens"] as const).map((dimension) => {
    let limit = 0;
    let used = 0;
    for (const lane of usable) {
      limit += currentLimit(lane[dimension]) ?? Number.POSITIVE_INFINITY;
      used += lane[dimension].used;
    }
    const rest = needed[dimension] - Math.max(0, limit - used);
    if (rest <= 0 || limit === 0) return 0;
    const first = (findNextCall(usable) ?? now) - now;
    return Math.max(0, first) + Math.max(0, Math.ceil(rest / limit) - 1) * MINUTE_MS;
  });
  return Math.max(...waits);
}
