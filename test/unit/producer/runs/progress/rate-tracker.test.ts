import { expect, test } from "vitest";
import { RateTracker } from "#src/producer/runs/progress/rate-tracker.ts";

const sample = (at: number, items: number) => ({ at, items, calls: items / 10, tokens: items * 5 });

test("rates are unknown until there is a second to look at", () => {
  const tracker = new RateTracker();
  expect(tracker.rates(10)).toEqual({});
  tracker.add(sample(0, 0));
  tracker.add(sample(500, 100));
  expect(tracker.rates(10)).toEqual({});
});

test("rates are those of the last twenty seconds", () => {
  const tracker = new RateTracker();
  for (let second = 0; second <= 100; second++) {
    tracker.add(sample(second * 1_000, second <= 50 ? second * 100 : 5_000 + (second - 50) * 10));
  }
  expect(tracker.rates(100)).toMatchObject({ itemsPerSecond: 10, callsPerSecond: 1, tokensPerSecond: 50 });
});

test("time remaining is unknown while nothing moves", () => {
  const tracker = new RateTracker();
  tracker.add(sample(0, 100));
  tracker.add(sample(5_000, 100));
  expect(tracker.rates(10)).toEqual({ itemsPerSecond: 0, callsPerSecond: 0, tokensPerSecond: 0 });
});
