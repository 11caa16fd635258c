import type { LaneSnapshot, RunSnapshot } from "#src/producer/runs/progress/run-snapshot.ts";

/** The time of the sample snapshots (epoch ms). */
export const NOW = Date.parse("2026-03-01T12:00:00Z");

export function sampleLane(changes: Partial<LaneSnapshot> = {}): LaneSnapshot {
  return {
    name: "minimax/embo-01",
    state: "open",
    requests: { used: 480, allowed: 600 },
    tokens: { used: 120_000, allowed: 1_000_000 },
    concurrency: { used: 8, allowed: 10 },
    ...changes,
  };
}

export function sampleSnapshot(changes: Partial<RunSnapshot> = {}): RunSnapshot {
  return {
    runId: "r1",
    model: "minimax/embo-01",
    phase: "running",
    items: { total: 12_345, succeeded: 7_071, failed: 3, inFlight: 512 },
    itemsPerSecond: 99.8,
    callsPerSecond: 10.02,
    tokensPerSecond: 39_200,
    calls: { made: 708, succeeded: 707, paidTwice: 0, throttled: 2 },
    snoozes: 20,
    batchFill: 0.992,
    tokens: 2_790_000,
    lanes: [sampleLane()],
    failuresByKind: { "content-filter": 2, "too-long": 1 },
    startedAt: NOW - 70_000,
    etaMs: 124_000,
    workers: 2,
    ...changes,
  };
}
