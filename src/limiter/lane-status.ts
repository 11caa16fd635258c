import {
  type LaneLimits,
  RATE_LIMITS,
  type RateDimension,
  type RateLimitField,
  type RateLimitName,
} from "#src/core/lane.ts";
import type { LaneStatus, LimitUsage, Quota } from "./limiter.ts";
import { type LimitKey, type StatusReply, toLimitKey } from "./limiter-scripts.ts";

/** The reply of the status script as a status. `limits` are the configured ones. */
export function toLaneStatus(reply: StatusReply, limits: LaneLimits): LaneStatus {
  const { parked, pauseReason, snoozeMs, throttles, faultStreak, hanging, minuteFreesMs } = reply;
  const state = parked !== undefined ? "parked" : snoozeMs > 0 ? "snoozed" : "open";
  const usageOf = (key: LimitKey, configured: number | undefined) => toLimitUsage(reply.limits[key], configured);
  return {
    state,
    snoozeMs: state === "snoozed" ? snoozeMs : undefined,
    reason: (state === "parked" ? parked : state === "snoozed" ? pauseReason : undefined) || undefined,
    requests: usageOf("requests", limits.requestsPerMinute),
    tokens: usageOf("tokens", limits.tokensPerMinute),
    concurrency: usageOf("concurrency", limits.concurrency),
    windows: RATE_LIMITS.flatMap(({ dimension, window, field }) => {
      const usage = usageOf(toLimitKey({ dimension, window }), limits[field]);
      const isKnown = usage.allowed !== undefined || usage.learned !== undefined;
      return window === "minute" || !isKnown ? [] : [{ dimension, window, ...usage }];
    }),
    throttles,
    faultStreak,
    hanging,
    minuteFreesMs,
  };
}

interface LimitUsages<U> extends Readonly<Record<RateDimension | "concurrency", U>> {
  readonly windows: readonly (U & Pick<RateLimitName, "dimension" | "window">)[];
}
type LimitField = RateLimitField | "concurrency";

/** The use of every limit, by the name of the limit in settings. */
export function listUsages<U>({ requests, tokens, concurrency, windows }: LimitUsages<U>): [LimitField, U][] {
  const minutes = { requests, tokens };
  return [
    ...RATE_LIMITS.flatMap(({ dimension, window, field }): [RateLimitField, U][] => {
      const other = windows.find((one) => one.dimension === dimension && one.window === window);
      const usage = window === "minute" ? minutes[dimension] : other;
      return usage ? [[field, usage]] : [];
    }),
    ["concurrency", concurrency],
  ];
}

function toLimitUsage(reply: StatusReply["limits"][LimitKey], configured: number | undefined): LimitUsage {
  const { used, manual, learned, reported } = reply;
  const isReported = manual === undefined && reported !== undefined && reported <= (configured ?? reported);
  const allowed = isReported ? reported : (manual ?? configured);
  return {
    used: Math.max(0, Math.floor(used)),
    allowed,
    set: manual === undefined ? undefined : true,
    reported: isReported ? true : undefined,
    quota: toQuota(reply),
    learned: learned !== undefined && learned < (allowed ?? Number.POSITIVE_INFINITY) ? Math.floor(learned) : undefined,
  };
}

function toQuota({
  quota: limit,
  quotaLeft: left,
  quotaResetMs: resetMs,
}: StatusReply["limits"][LimitKey]): Quota | undefined {
  if (limit === undefined || left === undefined || resetMs === undefined) return undefined;
  return { limit, left: Math.max(0, Math.floor(left)), resetMs };
}
