import { expect, test } from "vitest";
import type { LaneView } from "#src/dashboard/overview/lane-api.ts";
import type { Overview } from "#src/dashboard/overview/overview-api.ts";
import { getRunTone } from "#src/dashboard/web/components/run-tone.ts";
import { findProblems, isCritical } from "#src/dashboard/web/overview/find-problems.ts";
import { findTightestLimit, sumRunCosts } from "#src/dashboard/web/overview/summary-stats.ts";

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
  expect(findTightestLimit(lanes)).toEqual({ lane: "b", dimension: "requests", window: "minute", share: 40 / 60 });
  expect(findTightestLimit([lane("c", { requests: { used: 3 } })])).toBeUndefined();
});

test("sums costs per currency, without an expected cost if one run lacks it", () => {
  const cost = (spent: number, currency: string, expected?: number) => ({
    cost: { spent, currency, expected },
  });
  expect(sumRunCosts([cost(1, "CNY", 4), cost(2, "CNY", 5), cost(1, "USD", 2), cost(1, "USD"), {}])).toEqual([
    { currency: "CNY", spent: 3, expected: 9 },
    { currency: "USD", spent: 2 },
  ]);
});
