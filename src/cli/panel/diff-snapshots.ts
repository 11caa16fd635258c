import type { LaneSnapshot, RunSnapshot } from "#src/producer/runs/progress/run-snapshot.ts";

/** What can be told by comparing two snapshots. */
export type SnapshotEvent =
  | { readonly type: "park"; readonly lane: string; readonly reason?: string }
  | { readonly type: "snooze"; readonly lane: string; readonly reason?: string; readonly until?: string }
  | { readonly type: "open"; readonly lane: string }
  /** Nothing succeeds at present, and this is what the newest call ended with. */
  | {
      readonly type: "trouble";
      readonly lane: string;
      readonly kind: string;
      readonly message: string;
      readonly address?: string;
    }
  /** `count` items failed since the last snapshot, `total` so far, all of one kind. */
  | { readonly type: "failure"; readonly kind: string; readonly count: number; readonly total: number };

/**
 * What happened between two snapshots, in order: lanes snoozed, parked or open again, trouble that is new or of another
 * cause, and new failures by kind.
 */
export function diffSnapshots(before: RunSnapshot | undefined, after: RunSnapshot): SnapshotEvent[] {
  return [...diffLanes(before, after), ...diffOutages(before, after), ...diffFailures(before, after)];
}

function diffOutages(before: RunSnapshot | undefined, { trouble, model }: RunSnapshot): SnapshotEvent[] {
  const { kind, message } = before?.trouble ?? {};
  if (!trouble || (trouble.kind === kind && trouble.message === message)) return [];
  const { since: _, lane = model, ...rest } = trouble;
  return [{ type: "trouble", lane, ...rest }];
}

function diffLanes(before: RunSnapshot | undefined, after: RunSnapshot): SnapshotEvent[] {
  const earlier = new Map(before?.lanes.map((lane) => [lane.name, lane.state]));
  return after.lanes
    .filter((lane) => lane.state !== (earlier.get(lane.name) ?? "open"))
    .map((lane) => createLaneEvent(lane));
}

function createLaneEvent({ name: lane, state, reason, snoozeUntil }: LaneSnapshot): SnapshotEvent {
  const why = reason === undefined ? {} : { reason };
  if (state === "open") return { type: "open", lane };
  if (state === "parked") return { type: "park", lane, ...why };
  const until = snoozeUntil === undefined ? {} : { until: new Date(snoozeUntil).toISOString() };
  return { type: "snooze", lane, ...why, ...until };
}

/** Without an earlier snapshot nothing is new: failures of an earlier session are in the totals. */
function diffFailures(before: RunSnapshot | undefined, after: RunSnapshot): SnapshotEvent[] {
  if (before === undefined) return [];
  return Object.entries(after.failuresByKind)
    .map(([kind, total]) => ({
      type: "failure" as const,
      kind,
      count: total - (before.failuresByKind[kind] ?? 0),
      total,
    }))
    .filter(({ count }) => count > 0);
}
