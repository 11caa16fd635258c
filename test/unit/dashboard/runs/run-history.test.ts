import { describe, expect, it } from "vitest";
import type { RunInfo } from "#src/dashboard/runs/run-cache.ts";
import { RunHistory } from "#src/dashboard/runs/run-history.ts";

const at = (time: number, succeeded: number): RunInfo => ({
  run: "r",
  createdAt: -3_600_000,
  state: "running",
  kind: undefined,
  model: undefined,
  lanes: [],
  dir: undefined,
  host: undefined,
  items: undefined,
  startedWith: undefined,
  window: undefined,
  seenAt: undefined,
  hasCoordinator: true,
  published: {
    at: time,
    snapshot: {
      runId: "r",
      model: "m",
      phase: "running",
      items: { total: 1e9, succeeded, failed: 0, inFlight: 0 },
      calls: { made: 0, succeeded: 0, paidTwice: 0, throttled: 0 },
      snoozes: 0,
      tokens: 0,
      lanes: [],
      failuresByKind: {},
      startedAt: 0,
      workers: 1,
    },
  },
});

const itemsOf = (history: RunHistory) => history.read(at(0, 0)).lines.find(({ metric }) => metric === "items")?.values;

describe("the history of a run", () => {
  it("is the growth between samples, per minute", () => {
    const history = new RunHistory();
    history.record([at(0, 0)]);
    history.record([at(6_000, 100)]);
    history.record([at(12_000, 100)]);
    expect(itemsOf(history)).toEqual([1_000, 0]);
  });

  it("has a gap where a counter fell, because a retry removes records", () => {
    const history = new RunHistory();
    history.record([at(0, 100)]);
    history.record([at(6_000, 40)]);
    history.record([at(12_000, 50)]);
    expect(itemsOf(history)).toEqual([null, 100]);
  });

  it("starts again when the coordinator's clock jumps back", () => {
    const history = new RunHistory();
    history.record([at(1e9, 10)]);
    history.record([at(0, 20)]);
    history.record([at(6_000, 30)]);
    expect(itemsOf(history)).toEqual([100]);
  });

  it("contains the start and the end of the run if they are close to its samples", () => {
    const history = new RunHistory();
    history.record([at(30_000, 0)]);
    history.record([at(36_000, 100)]);
    const ended = { ...at(36_000, 100), createdAt: 12_345, hasCoordinator: false, seenAt: 52_000 };
    const { at: steps, lines, runs } = history.read(ended);
    expect(steps).toEqual([10_000, 35_000, 50_000]);
    expect(lines.find(({ metric }) => metric === "items")?.values).toEqual([null, 1_000, null]);
    expect(runs).toMatchObject([{ startedAt: 12_345, endedAt: 52_000 }]);
    expect(history.read({ ...ended, createdAt: -90_000, seenAt: 99_000 }).at).toEqual([35_000]);
  });

  it("has a bounded number of steps after days", () => {
    const history = new RunHistory();
    for (let i = 0; i < 100_000; i++) history.record([at(i * 5_000, i)]);
    const { at: steps, stepMs } = history.read(at(0, 0));
    expect(steps.length).toBeLessThanOrEqual(360);
    expect(steps.length).toBeGreaterThan(90);
    expect(new Set(itemsOf(history))).toEqual(new Set([12]));
    expect(steps.every((time) => time % stepMs === 0)).toBe(true);
  });
});
