import type { ShareView } from "../../contract.ts";

/** The limit that counts now: what was learned from refusals, where that is less than what is allowed. */
export function limitInForce({ allowed, learned }: ShareView): number | undefined {
  if (allowed === undefined) return learned;
  return learned === undefined ? allowed : Math.min(allowed, learned);
}

/** 0 to 1, or above when a limit has just been lowered; undefined without a known limit. */
export function shareUsed(share: ShareView): number | undefined {
  const limit = limitInForce(share);
  return limit === undefined || limit <= 0 ? undefined : share.used / limit;
}
