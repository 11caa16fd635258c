import { describe, expect, it } from "vitest";
import { diffSnapshots } from "#src/cli/progress/diff-snapshots.ts";
import { NOW, sampleLane, sampleSnapshot } from "./sample-snapshot.ts";

describe("diffSnapshots", () => {
  it("returns no events if nothing changed", () => {
    expect(diffSnapshots(sampleSnapshot(), sampleSnapshot({ tokens: 5 }))).toEqual([]);
  });

  it("reports every lane that was snoozed, parked or reopened", () => {
    const open = sampleSnapshot({ lanes: [sampleLane({ name: "a" }), sampleLane({ name: "b" })] });
    const blocked = sampleSnapshot({
      lanes: [
        sampleLane({ name: "a", state: "snoozed", snoozeUntil: NOW, reason: "1002" }),
        sampleLane({ name: "b", state: "parked", reason: "no money" }),
      ],
    });
    expect(diffSnapshots(open, blocked)).toEqual([
      { type: "snooze", lane: "a", reason: "1002", until: "2026-03-01T12:00:00.000Z" },
      { type: "park", lane: "b", reason: "no money" },
    ]);
    expect(diffSnapshots(blocked, open)).toEqual([
      { type: "open", lane: "a" },
      { type: "open", lane: "b" },
    ]);
    expect(diffSnapshots(undefined, blocked)).toHaveLength(2);
  });

  it("reports once why nothing succeeds, and again when the cause changes", () => {
    const trouble = { kind: "network", message: "refused", lane: "a/b", address: "h:1", since: NOW };
    const after = sampleSnapshot({ trouble });
    const outage = { type: "trouble", kind: "network", message: "refused", lane: "a/b", address: "h:1" };
    expect(diffSnapshots(sampleSnapshot(), after)).toEqual([outage]);
    expect(diffSnapshots(after, after)).toEqual([]);
    const other = sampleSnapshot({ trouble: { ...trouble, message: "no route" } });
    expect(diffSnapshots(after, other)).toEqual([{ ...outage, message: "no route" }]);
    expect(diffSnapshots(after, sampleSnapshot())).toEqual([]);
  });

  it("reports once that calls hang", () => {
    const hanging = { calls: 3, limitMs: 60_000, usualMs: 1_200, aborted: 0 };
    const after = sampleSnapshot({ lanes: [sampleLane({ name: "a", hanging })] });
    expect(diffSnapshots(sampleSnapshot(), after)).toEqual([{ type: "hanging", lane: "a", ...hanging }]);
    expect(diffSnapshots(after, after)).toEqual([]);
  });

  it("counts new failures by kind, without those of an earlier session", () => {
    const before = sampleSnapshot({ failuresByKind: { "too-long": 4 } });
    const after = sampleSnapshot({ failuresByKind: { "too-long": 6, "content-filter": 1 } });
    expect(diffSnapshots(before, after)).toEqual([
      { type: "failure", kind: "too-long", count: 2, total: 6 },
      { type: "failure", kind: "content-filter", count: 1, total: 1 },
    ]);
    expect(diffSnapshots(undefined, after)).toEqual([]);
  });
});
