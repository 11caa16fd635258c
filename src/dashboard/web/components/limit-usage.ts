import type { LimitUsageView } from "#src/dashboard/overview/lane-api.ts";

/** The limit that counts now: what was learned from refusals, where that is less than what is allowed. */
export function effectiveLimit({ allowed, learned }: LimitUsageView): number | undefined {
  if (allowed === undefined) return learned;
  return learned === undefined ? allowed : Math.min(allowed, learned);
}

/** 0 to 1, or above when a limit has just been lowered; undefined without a known limit. */
export function usedShare(share: LimitUsageView): number | undefined {
  const limit = effectiveLimit(share);
  return limit === undefined || limit <= 0 ? undefined : share.used / limit;
}
