import type { LimitUsageView } from "#src/dashboard/overview/lane-api.ts";

/** The limit in force: the learned limit where it is below the allowed one. Undefined if neither is known. */
export function effectiveLimit({ allowed, learned }: LimitUsageView): number | undefined {
  if (allowed === undefined) return learned;
  return learned === undefined ? allowed : Math.min(allowed, learned);
}

/** The used share, 0 to 1, or above 1 when the limit has just been lowered; undefined without a known limit. */
export function usedShare(share: LimitUsageView): number | undefined {
  const limit = effectiveLimit(share);
  return limit === undefined || limit <= 0 ? undefined : share.used / limit;
}
