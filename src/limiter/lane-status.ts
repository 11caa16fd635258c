import type { LimitDimension } from "#src/core/failures/errors.ts";
import type { LaneLimits } from "#src/core/lane.ts";
import type { LaneStatus, LimitUsage, Quota } from "./limiter.ts";
import type { StatusReply } from "./limiter-scripts.ts";

/** The reply of the status script as a status. `limits` are the configured ones. */
export function toLaneStatus(reply: StatusReply, limits: LaneLimits): LaneStatus {
  const { parked, pauseReason, snoozeMs, throttles, faultStreak, minuteFreesMs } = reply;
  const state = parked !== undefined ? "parked" : snoozeMs > 0 ? "snoozed" : "open";
  return {
    state,
    snoozeMs: state === "snoozed" ? snoozeMs : undefined,
    reason: (state === "parked" ? parked : state === "snoozed" ? pauseReason : undefined) || undefined,
    requests: toLimitUsage("requests", reply, limits.requestsPerMinute),
    tokens: toLimitUsage("tokens", reply, limits.tokensPerMinute),
    concurrency: toLimitUsage("concurrency", reply, limits.concurrency),
    throttles,
    faultStreak,
    minuteFreesMs,
  };
}

function toLimitUsage(dimension: LimitDimension, reply: StatusReply, configured: number | undefined): LimitUsage {
  const manual = reply[`manual:${dimension}`];
  const learned = reply[`learned:${dimension}`];
  const reported = dimension === "concurrency" ? undefined : reply[`reported:${dimension}`];
  const isReported = manual === undefined && reported !== undefined && reported <= (configured ?? reported);
  const allowed = isReported ? reported : (manual ?? configured);
  return {
    used: reply[dimension],
    allowed,
    set: manual === undefined ? undefined : true,
    reported: isReported ? true : undefined,
    quota: dimension === "concurrency" ? undefined : toQuota(dimension, reply),
    learned: learned !== undefined && learned < (allowed ?? Number.POSITIVE_INFINITY) ? Math.floor(learned) : undefined,
  };
}

function toQuota(dimension: "requests" | "tokens", reply: StatusReply): Quota | undefined {
  const limit = reply[`quota:${dimension}`];
  const left = reply[`quotaLeft:${dimension}`];
  const resetMs = reply[`quotaResetMs:${dimension}`];
  if (limit === undefined || left === undefined || resetMs === undefined) return undefined;
  return { limit, left: Math.max(0, Math.floor(left)), resetMs };
}
