import { formatLane } from "#src/core/lane.ts";
import type { LaneStatus, LimitUsage, WindowUsage } from "#src/limiter/limiter.ts";
import type { RunLane } from "#src/producer/runs/run-environment.ts";
import { findWindowWait } from "./limit-waits.ts";
import type { LaneSnapshot, LimitSnapshot, RunPhase, WindowSnapshot } from "./run-snapshot.ts";

/** The phase of a run that is neither paused nor finishing: it depends on its lanes alone. */
export function deriveRunningPhase(statuses: readonly LaneStatus[]): RunPhase {
  if (statuses.length === 0 || statuses.some(({ state }) => state === "open")) return "running";
  return statuses.every(({ state }) => state === "parked") ? "parked" : "snoozing";
}

export function createLaneSnapshot(lane: RunLane | undefined, status: LaneStatus, now: number): LaneSnapshot {
  const { state, reason, snoozeMs, hanging, requests, tokens, concurrency, windows } = status;
  const waitMs = findWindowWait(status);
  return {
    name: lane ? formatLane(lane.lane) : "",
    state,
    snoozeUntil: snoozeMs === undefined ? undefined : now + snoozeMs,
    nextCallAt: waitMs === undefined ? undefined : now + waitMs,
    reason,
    hanging,
    requests: createLimitSnapshot(requests, now),
    tokens: createLimitSnapshot(tokens, now),
    concurrency: createLimitSnapshot(concurrency, now),
    windows: windows.map(createWindowSnapshot),
  };
}

/** Quotas are shown with the limits of a minute. */
export function createWindowSnapshot({ quota: _, ...usage }: WindowUsage): WindowSnapshot {
  return usage;
}

/** Limits with the times of their resets instead of the waits for them. */
export function createLimitSnapshot({ quota, ...usage }: LimitUsage, now: number): LimitSnapshot {
  if (!quota) return usage;
  const { limit, left, resetMs } = quota;
  return { ...usage, quota: { limit, left, resetAt: now + resetMs } };
}
