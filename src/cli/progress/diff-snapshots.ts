import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { HangReport } from "#src/limiter/limiter.ts";
import type { LaneSnapshot, RunSnapshot } from "#src/producer/runs/progress/run-snapshot.ts";

/** Events that follow from comparing two snapshots. */
export type SnapshotEvent =
  | { readonly type: "park"; readonly lane: string; readonly reason?: string }
  | { readonly type: "snooze"; readonly lane: string; readonly reason?: string; readonly until?: string }
  | { readonly type: "open"; readonly lane: string }
  /** No call succeeds at present; this is the error of the newest call. */
  | {
      readonly type: "trouble";
      readonly lane: string;
      readonly kind: string;
      readonly message: string;
      readonly address?: string;
    }
  /** The first calls of the lane that take much longer than usual. */
  | ({ readonly type: "hanging"; readonly lane: string } & HangReport)
  /** `count` items failed since the last snapshot, `total` so far, all of one kind. */
  | { readonly type: "failure"; readonly kind: string; readonly count: number; readonly total: number };

/**
 * What happened between two snapshots, in order: lanes that were snoozed, parked or reopened, lanes whose calls hang, outages that are new or have
 * another error, and new failures by kind.
 */
export function diffSnapshots(before: RunSnapshot | undefined, after: RunSnapshot): SnapshotEvent[] {
  return [
    ...diffLanes(before, after),
    ...diffHanging(before, after),
    ...diffOutages(before, after),
    ...diffFailures(before, after),
  ];
}

function diffOutages(before: RunSnapshot | undefined, { trouble, model }: RunSnapshot): SnapshotEvent[] {
  const { kind, message } = before?.trouble ?? {};
  if (!trouble || (trouble.kind === kind && trouble.message === message)) return [];
  const { since: _, lane = model, ...rest } = trouble;
  return [{ type: "trouble", lane, ...rest }];
}

function diffHanging(before: RunSnapshot | undefined, after: RunSnapshot): SnapshotEvent[] {
  const known = new Set(before?.lanes.filter(({ hanging }) => hanging).map(({ name }) => name));
  return after.lanes.flatMap(({ name: lane, hanging }) =>
    hanging && !known.has(lane) ? { type: "hanging" as const, lane, ...hanging } : [],
  );
}

function diffLanes(before: RunSnapshot | undefined, after: RunSnapshot): SnapshotEvent[] {
  const earlier = new Map(before?.lanes.map((lane) => [lane.name, lane.state]));
  return after.lanes
    .filter((lane) => lane.state !== (earlier.get(lane.name) ?? "open"))
    .map((lane) => createLaneEvent(lane));
}

function createLaneEvent({ name: lane, state, reason, snoozeUntil }: LaneSnapshot): SnapshotEvent {
  if (state === "open") return { type: "open", lane };
  if (state === "parked") return omitUndefined({ type: "park" as const, lane, reason });
  const until = snoozeUntil === undefined ? undefined : new Date(snoozeUntil).toISOString();
  return omitUndefined({ type: "snooze" as const, lane, reason, until });
}

/** Without an earlier snapshot no failure is new, because the totals include earlier sessions. */
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
