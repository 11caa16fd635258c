import { expect, test } from "vitest";
import type { MetricHistory } from "#src/dashboard/overview/history-api.ts";
import type { LaneView } from "#src/dashboard/overview/lane-api.ts";
import type { Overview } from "#src/dashboard/overview/overview-api.ts";
import { getRunTone } from "#src/dashboard/web/components/run-tone.ts";
import {
  dropIncompleteStep,
  findTightestLimit,
  mergeLatestPoint,
  sumCosts,
  trimLeadingGap,
} from "#src/dashboard/web/overview/derive-overview.ts";
import { findProblems, isCritical } from "#src/dashboard/web/overview/find-problems.ts";

const lane = (name: string, more: Partial<LaneView> = {}): LaneView => ({
  name,
  provider: "p",
  account: "a",
  model: "m",
  state: "open",
  requests: { used: 0 },
  tokens: { used: 0 },
  concurrency: { used: 0 },
  ...more,
});

const healthyOverview: Overview = {
  at: 100,
  health: { at: 100, redis: { state: "ok" } },
  lanes: [lane("l")],
  providers: [
    {
      name: "p",
      errorsByKind: {},
      queues: [{ name: "q", kind: "chat", priority: "bulk", waiting: 4, active: 0, delayed: 0 }],
    },
  ],
  workers: [{ id: "w", state: "alive", seenAt: 100, queues: ["q"] }],
  redis: { isPrivate: true, usedBytes: 10, warningBytes: 75 },
  runs: { byPhase: {}, active: [{ run: "r", phase: "paused", createdAt: 1 }] },
  totals: {},
  latest: {},
};

test("a healthy system has no problems, and a paused run is not a problem", () => {
  expect(findProblems(healthyOverview)).toEqual([]);
});

test("finds all problems, critical ones first", () => {
  const found = findProblems({
    ...healthyOverview,
    lanes: [
      lane("snoozing", { state: "snoozed", reason: "429" }),
      lane("parked", { state: "parked", reason: "auth" }),
      lane("out", { faultStreak: 5 }),
      lane("four faults", { faultStreak: 4 }),
    ],
    workers: [{ id: "w", state: "dead", host: "h", pid: 7, seenAt: 1, queues: ["q"] }],
    redis: { isPrivate: true, usedBytes: 76, warningBytes: 75 },
    runs: { byPhase: {}, active: [{ run: "r", name: "n", phase: "stopped", createdAt: 1 }] },
  });
  expect(found).toEqual([
    { kind: "lane-parked", name: "parked", reason: "auth" },
    { kind: "lane-out", name: "out" },
    { kind: "run-stopped", run: "r", name: "n" },
    { kind: "no-worker", queue: "q", waiting: 4 },
    { kind: "redis-memory", usedBytes: 76, warningBytes: 75 },
    { kind: "lane-snoozed", name: "snoozing", reason: "429" },
    { kind: "worker-dead", name: "h 7" },
  ]);
  expect(found.map(isCritical)).toEqual([true, true, true, true, true, false, false]);
});

test("a paused queue is a problem, whether or not it has jobs or workers", () => {
  const queue = { name: "q", kind: "chat", priority: "bulk", active: 0, delayed: 0, paused: true } as const;
  const providers = [{ name: "p", errorsByKind: {}, queues: [{ ...queue, waiting: 4 }] }];
  expect(findProblems({ ...healthyOverview, providers, workers: [] })).toEqual([{ kind: "queue-paused", name: "q" }]);
});

test("a finished run with failures is not shown as a success", () => {
  const ended = (failed: number) =>
    getRunTone({ phase: "finished", items: { total: 10, succeeded: 10 - failed, failed } });
  expect([0, 1, 5, 6, 10].map(ended)).toEqual(["success", "warning", "warning", "error", "error"]);
  expect(getRunTone({ phase: "running", items: { total: 2, succeeded: 0, failed: 2 } })).toBe("active");
  expect(getRunTone({ phase: "finished" })).toBe("success");
});

test("the tightest limit considers learned limits and ignores unlimited dimensions", () => {
  const lanes = [
    lane("a", { requests: { used: 50, allowed: 100 }, tokens: { used: 9_999 } }),
    lane("b", { requests: { used: 40, allowed: 100, learned: 60 } }),
  ];
  expect(findTightestLimit(lanes)).toEqual({ lane: "b", dimension: "requests", share: 40 / 60 });
  expect(findTightestLimit([lane("c", { requests: { used: 3 } })])).toBeUndefined();
});

test("sums costs per currency, without an expected cost if one run lacks it", () => {
  const cost = (spent: number, currency: string, expected?: number) => ({
    cost: { spent, currency, expected },
  });
  expect(sumCosts([cost(1, "CNY", 4), cost(2, "CNY", 5), cost(1, "USD", 2), cost(1, "USD"), {}])).toEqual([
    { currency: "CNY", spent: 3, expected: 9 },
    { currency: "USD", spent: 2 },
  ]);
});

const history: MetricHistory = {
  stepMs: 30_000,
  at: [0, 30_000, 60_000],
  lines: [
    { seriesKey: "cost", metric: "cost", currency: "CNY", values: [null, 2, 4] },
    { seriesKey: "cost:p", metric: "cost", provider: "p", currency: "CNY", values: [null, 2, 4] },
  ],
};

test("the latest point replaces the last step, or is appended while the oldest is dropped", () => {
  const values = (latest: Overview["latest"]["hour"]) => {
    const { at, lines } = mergeLatestPoint(history, latest);
    return { at, values: lines[0]?.values };
  };
  expect(values({ at: 60_000, values: { cost: 6 } })).toEqual({ at: history.at, values: [null, 2, 6] });
  expect(values({ at: 90_000, values: { cost: 1 } })).toEqual({
    at: [30_000, 60_000, 90_000],
    values: [2, 4, 1],
  });
  // Steps without a sample are gaps.
  expect(values({ at: 120_000, values: {} })).toEqual({
    at: [60_000, 90_000, 120_000],
    values: [4, null, null],
  });
  for (const odd of [undefined, { at: 30_000, values: {} }, { at: 9e12, values: {} }])
    expect(mergeLatestPoint(history, odd)).toBe(history);
});

test("keeps all latest points", () => {
  const first = mergeLatestPoint(history, { at: 90_000, values: { cost: 1 } });
  const second = mergeLatestPoint(first, { at: 120_000, values: { cost: 2 } });
  expect(second.lines[0]?.values).toEqual([4, 1, 2]);
});

test("a chart starts one step before its first value and has at least thirty steps", () => {
  const chart = (signs: readonly number[]): MetricHistory => {
    const at = Array.from({ length: 100 }, (_, step) => step);
    const values = at.map((step) => (signs.includes(step) ? 1 : step % 2 === 0 ? 0 : null));
    return { stepMs: 1, at, lines: [{ seriesKey: "items", metric: "items", values }] };
  };
  expect(trimLeadingGap(chart([40, 60])).at[0]).toBe(39);
  expect(trimLeadingGap(chart([40, 60])).lines[0]?.values[1]).toBe(1);
  expect(trimLeadingGap(chart([99])).at).toHaveLength(30);
  expect(trimLeadingGap(chart([0])).at).toHaveLength(100);
  expect(trimLeadingGap(chart([])).at).toHaveLength(100);
});

test("drops an incomplete last step", () => {
  expect(dropIncompleteStep(history, 89_999)).toMatchObject({
    at: [0, 30_000],
    lines: [{ values: [null, 2] }, {}],
  });
  expect(dropIncompleteStep(history, 90_000)).toBe(history);
});
