import { expect, test } from "vitest";
import type { MetricHistory } from "#src/dashboard/overview/history-api.ts";
import type { LatestPoint } from "#src/dashboard/overview/overview-api.ts";
import { dropIncompleteStep, mergeLatestPoint, trimLeadingGap } from "#src/dashboard/web/overview/metric-history.ts";

const history: MetricHistory = {
  stepMs: 30_000,
  at: [0, 30_000, 60_000],
  lines: [
    { seriesKey: "cost", metric: "cost", currency: "CNY", values: [null, 2, 4] },
    { seriesKey: "cost:p", metric: "cost", provider: "p", currency: "CNY", values: [null, 2, 4] },
  ],
  runs: [],
};

/** A latest point. */
const point = (at: number, values: Readonly<Record<string, number>> = {}): LatestPoint => ({ at, values, runs: [] });

test("the latest point replaces the last step, or is appended while the oldest is dropped", () => {
  const values = (latest: LatestPoint) => {
    const { at, lines } = mergeLatestPoint(history, latest);
    return { at, values: lines[0]?.values };
  };
  expect(values(point(60_000, { cost: 6 }))).toEqual({ at: history.at, values: [null, 2, 6] });
  expect(values(point(90_000, { cost: 1 }))).toEqual({
    at: [30_000, 60_000, 90_000],
    values: [2, 4, 1],
  });
  // Steps without a sample are gaps.
  expect(values(point(120_000))).toEqual({
    at: [60_000, 90_000, 120_000],
    values: [4, null, null],
  });
  for (const odd of [undefined, point(30_000), point(9e12)]) expect(mergeLatestPoint(history, odd)).toBe(history);
});

test("the latest runs replace the earlier ones", () => {
  const runs = [{ run: "r", startedAt: 65_000 }];
  expect(mergeLatestPoint(history, { ...point(90_000), runs }).runs).toBe(runs);
});

test("keeps all latest points", () => {
  const first = mergeLatestPoint(history, point(90_000, { cost: 1 }));
  const second = mergeLatestPoint(first, point(120_000, { cost: 2 }));
  expect(second.lines[0]?.values).toEqual([4, 1, 2]);
});

test("a chart starts one step before its first value and has at least thirty steps", () => {
  const chart = (signs: readonly number[]): MetricHistory => {
    const at = Array.from({ length: 100 }, (_, step) => step);
    const values = at.map((step) => (signs.includes(step) ? 1 : step % 2 === 0 ? 0 : null));
    return { stepMs: 1, at, lines: [{ seriesKey: "items", metric: "items", values }], runs: [] };
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
