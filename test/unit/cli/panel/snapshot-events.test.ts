import { describe, expect, it } from "vitest";
import { snapshotEvents } from "../../../../src/cli/panel/snapshot-events.ts";
import { aLane, aSnapshot, NOW } from "./a-snapshot.ts";

describe("events between two snapshots", () => {
  it("are none where nothing changed", () => {
    expect(snapshotEvents(aSnapshot(), aSnapshot({ tokens: 5 }))).toEqual([]);
  });

  it("tell of every lane that snoozed, was parked or goes on", () => {
    const open = aSnapshot({ lanes: [aLane({ name: "a" }), aLane({ name: "b" })] });
    const held = aSnapshot({
      lanes: [
        aLane({ name: "a", state: "snoozed", snoozeUntil: NOW, reason: "1002" }),
        aLane({ name: "b", state: "parked", reason: "no money" }),
      ],
    });
    expect(snapshotEvents(open, held)).toEqual([
      { type: "snooze", lane: "a", reason: "1002", until: "2026-03-01T12:00:00.000Z" },
      { type: "park", lane: "b", reason: "no money" },
    ]);
    expect(snapshotEvents(held, open)).toEqual([
      { type: "open", lane: "a" },
      { type: "open", lane: "b" },
    ]);
    expect(snapshotEvents(undefined, held)).toHaveLength(2);
  });

  it("tell once why nothing succeeds, and again when the cause is another", () => {
    const trouble = { kind: "network", message: "refused", lane: "a/b", address: "h:1", since: NOW };
    const after = aSnapshot({ trouble });
    const told = { type: "trouble", kind: "network", message: "refused", lane: "a/b", address: "h:1" };
    expect(snapshotEvents(aSnapshot(), after)).toEqual([told]);
    expect(snapshotEvents(after, after)).toEqual([]);
    const other = aSnapshot({ trouble: { ...trouble, message: "no route" } });
    expect(snapshotEvents(after, other)).toEqual([{ ...told, message: "no route" }]);
    expect(snapshotEvents(after, aSnapshot())).toEqual([]);
  });

  it("count new failures by kind, and not those of an earlier session", () => {
    const before = aSnapshot({ failuresByKind: { "too-long": 4 } });
    const after = aSnapshot({ failuresByKind: { "too-long": 6, "content-filter": 1 } });
    expect(snapshotEvents(before, after)).toEqual([
      { type: "failure", kind: "too-long", count: 2, total: 6 },
      { type: "failure", kind: "content-filter", count: 1, total: 1 },
    ]);
    expect(snapshotEvents(undefined, after)).toEqual([]);
  });
});
