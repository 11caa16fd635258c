import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findNearestStep, getTimeShare, listTimeTicks, listValueTicks } from "#src/dashboard/web/chart/axes.ts";

describe("the value axis", () => {
  test.each([
    [0, [0]],
    [1, [0, 0.25, 0.5, 0.75, 1]],
    [7, [0, 2, 4, 6, 8]],
    [130, [0, 50, 100, 150]],
    [999, [0, 250, 500, 750, 1000]],
    [0.003, [0, 0.001, 0.002, 0.003]],
  ])("up to %d has round labels", (max, ticks) => expect(listValueTicks(max)).toEqual(ticks));

  test("reaches every maximum with at most five labels", () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 1e15, noNaN: true }), (max) => {
        const ticks = listValueTicks(max);
        expect(ticks.at(-1)).toBeGreaterThanOrEqual(max * (1 - 1e-8));
        expect(ticks.at(-2)).toBeLessThan(max);
        expect(ticks.length).toBeLessThanOrEqual(5);
      }),
    );
  });
});

describe("the time axis", () => {
  const at = (time: string) => new Date(`2026-12-01T${time}`).getTime();
  const labels = (from: string, to: string) => listTimeTicks(at(from), at(to)).map(({ label }) => label);

  test("has round local times", () => {
    expect(labels("13:07", "14:06")).toEqual(["13:15", "13:30", "13:45", "14:00"]);
    expect(labels("13:07:05", "13:08:00")).toEqual(["13:07:15", "13:07:30", "13:07:45", "13:08:00"]);
    expect(labels("00:00", "23:55")).toEqual(["00:00", "06:00", "12:00", "18:00"]);
    expect(labels("13:07", "13:07")).toHaveLength(1);
  });

  test("has days for days and weeks", () => {
    const day = 86_400_000;
    const days = listTimeTicks(at("06:00"), at("06:00") + 4 * day).map(({ label }) => label);
    expect(days).toEqual(["12-02", "12-03", "12-04", "12-05"]);
    expect(listTimeTicks(at("06:00"), at("06:00") + 365 * day).length).toBeLessThanOrEqual(5);
  });
});

test("a position belongs to the nearest step", () => {
  const times = [0, 10, 20, 60];
  expect([-1, 0, 0.1, 0.2, 0.5, 0.9, 2].map((share) => times[findNearestStep(share, times)])).toEqual([
    0, 0, 10, 10, 20, 60, 60,
  ]);
  expect([-5, 15, 90].map((time) => getTimeShare(time, times))).toEqual([0, 0.25, 1]);
});
