import { describe, expect, it } from "vitest";
import { describeOverview } from "#src/dashboard/overview/describe-overview.ts";
import { sumSpentLastDay } from "#src/dashboard/overview/sum-money.ts";
import type { RunInfo } from "#src/dashboard/runs/run-cache.ts";
import { GaugeHistory } from "#src/dashboard/sampling/gauges.ts";
import type { SystemSnapshot } from "#src/dashboard/sampling/snapshot-sampler.ts";
import { EMPTY_STATS, type LanePoint } from "#src/state/telemetry/telemetry.ts";

const NOW = 1_000_000_000;
const MINUTE = 60_000;

const run = (name: string, fields: Partial<RunInfo> = {}): RunInfo => ({
  run: name,
  createdAt: 1,
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
  published: undefined,
  ...fields,
});

const working = (name: string, cost?: { spent: number; expected?: number; currency: string }) =>
  run(name, {
    published: {
      at: NOW,
      snapshot: {
        phase: "running",
        items: { total: 10, succeeded: 4, failed: 0, inFlight: 6 },
        ...(cost ? { cost } : {}),
      } as never,
    },
  });

const ended = (name: string, at: number, failed = 0) =>
  run(name, {
    state: "done",
    hasCoordinator: false,
    published: {
      at,
      end: {
        outcome: "finished",
        report: {
          items: { total: 10, succeeded: 10 - failed, failed },
          failuresByKind: {},
          finishedAt: new Date(at).toISOString(),
        } as never,
      },
    },
  });

const telemetry = (series: readonly LanePoint[] = []) =>
  ({ now: NOW, lanes: () => (series.length > 0 ? ["fake/m"] : []), series: () => series }) as never;
const gauges = {
  hour: new GaugeHistory({ stepMs: 10_000, steps: 360 }),
  day: new GaugeHistory({ stepMs: 300_000, steps: 288 }),
};
const overviewOf = (runs: readonly RunInfo[], more: Partial<SystemSnapshot> = {}) =>
  describeOverview(
    {
      at: NOW,
      lanes: [],
      providers: [],
      queues: [],
      workers: [],
      redis: { isPrivate: false },
      runs,
      ...more,
    },
    { telemetry: telemetry(), gauges },
    { at: NOW, redis: { state: "ok" } },
  );

describe("the runs of the overview", () => {
  it("include stalled runs, however many newer runs there are, and count all", () => {
    const still = run("still", { hasCoordinator: false });
    const { runs } = overviewOf([...Array.from({ length: 30 }, (_, i) => working(`w${i}`)), still]);
    expect(runs.active).toHaveLength(20);
    expect(runs.active.at(-1)).toMatchObject({ run: "still", phase: "stopped" });
    expect(runs.active[0]).toMatchObject({ run: "w0" });
    expect(runs.activeTotal).toBe(31);
  });

  it("add up the costs of all runs, and count those without a price", () => {
    const priced = Array.from({ length: 25 }, (_, i) => working(`w${i}`, { spent: 1, expected: 2, currency: "CNY" }));
    const { runs } = overviewOf([...priced, working("free"), working("usd", { spent: 3, currency: "USD" })]);
    expect(runs.money).toEqual([
      { currency: "CNY", spent: 25, expected: 50 },
      { currency: "USD", spent: 3 },
    ]);
    expect(runs.unpriced).toBe(1);
  });

  it("list runs that ended within the last hour, latest first, with their failures", () => {
    const old = ended("old", NOW - 61 * MINUTE);
    const { runs } = overviewOf([ended("early", NOW - 50 * MINUTE), ended("late", NOW - MINUTE, 10), old]);
    expect(runs.recentlyFinished?.map((one) => one.run)).toEqual(["late", "early"]);
    expect(runs.recentlyFinished?.[0]).toMatchObject({ items: { succeeded: 0, failed: 10 } });
  });

  it("exclude jobs of runs from the standalone jobs", () => {
    const queue = { provider: "fake", kind: "chat", active: 2, delayed: 1 } as const;
    const queues = [
      { ...queue, name: "fake-chat", priority: "bulk", waiting: 100 },
      { ...queue, name: "fake-chat-interactive", priority: "interactive", waiting: 3 },
    ] as const;
    expect(overviewOf([working("w")], { queues }).standalone).toEqual({ waiting: 4, active: 2 });
    expect(overviewOf([ended("e", NOW)], { queues }).standalone).toEqual({ waiting: 105, active: 4 });
  });
});

describe("the cost of the last day", () => {
  it("is the sum of the calls, not extrapolated to the end of the current step", () => {
    const point = (at: number, CNY: number): LanePoint => ({ ...EMPTY_STATS, at, cost: { CNY } });
    const day = 24 * 60 * MINUTE;
    const points = [point(NOW - day - MINUTE, 100), point(NOW - day / 2, 2), point(NOW - 1_000, 0.5)];
    expect(sumSpentLastDay(telemetry(points))).toEqual([{ currency: "CNY", spent: 2.5 }]);
  });
});
