import { formatLane } from "#src/core/lane.ts";
import type { LaneStatus } from "#src/limiter/limiter.ts";
import type { RunLane } from "#src/producer/runs/run-environment.ts";
import type { LaneSnapshot, RunPhase } from "./run-snapshot.ts";

/** The phase of a run that is neither paused nor finishing: it depends on its lanes alone. */
export function deriveRunningPhase(statuses: readonly LaneStatus[]): RunPhase {
  if (statuses.length === 0 || statuses.some(({ state }) => state === "open")) return "running";
  return statuses.every(({ state }) => state === "parked") ? "parked" : "snoozing";
}

export function createLaneSnapshot(lane: RunLane | undefined, status: LaneStatus, now: number): LaneSnapshot {
  const { state, reason, snoozeMs, requests, tokens, concurrency } = status;
  return {
    name: lane ? formatLane(lane.lane) : "",
    state,
    snoozeUntil: snoozeMs === undefined ? undefined : now + snoozeMs,
    reason,
    requests,
    tokens,
    concurrency,
  };
}
