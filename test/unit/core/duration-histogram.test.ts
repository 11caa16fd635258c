import fc from "fast-check";
import { expect, test } from "vitest";
import {
  addHistograms,
  countDurations,
  DURATION_BOUNDS_MS,
  type DurationHistogram,
  EMPTY_HISTOGRAM,
  estimateQuantile,
  findDurationBucket,
} from "#src/core/duration-histogram.ts";

function histogramOf(durations: readonly number[]): DurationHistogram {
  const counts = [...EMPTY_HISTOGRAM.counts];
  for (const ms of durations) {
    const place = findDurationBucket(ms);
    counts[place] = (counts[place] ?? 0) + 1;
  }
  return { counts, sumMs: durations.reduce((sum, ms) => sum + ms, 0) };
}

const duration = fc.double({ min: 0, max: 900_000, noNaN: true });

test("bounds grow, each by not much more than half", () => {
  expect(DURATION_BOUNDS_MS[0]).toBe(1);
  expect(DURATION_BOUNDS_MS.at(-1)).toBe(1_000_000);
  for (let i = 1; i < DURATION_BOUNDS_MS.length; i++) {
    const ratio = DURATION_BOUNDS_MS[i]! / DURATION_BOUNDS_MS[i - 1]!;
    expect(ratio).toBeGreaterThan(1);
    expect(ratio).toBeLessThanOrEqual(1.67);
  }
});

test("a duration is counted in the first bucket whose bound it does not exceed", () => {
  fc.assert(
    fc.property(fc.double({ min: -10, max: 2_000_000, noNaN: true }), (ms) => {
      const place = findDurationBucket(ms);
      const wanted = DURATION_BOUNDS_MS.findIndex((bound) => ms <= bound);
      expect(place).toBe(wanted === -1 ? DURATION_BOUNDS_MS.length : wanted);
    }),
  );
});

test("invalid durations count as the shortest", () => {
  expect(findDurationBucket(Number.NaN)).toBe(0);
  expect(findDurationBucket(-5)).toBe(0);
  expect(findDurationBucket(Number.POSITIVE_INFINITY)).toBe(DURATION_BOUNDS_MS.length);
});

test("a quantile lies in the bucket of the true value", () => {
  fc.assert(
    fc.property(
      fc.array(duration, { minLength: 1, maxLength: 200 }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      (durations, q) => {
        const sorted = [...durations].sort((a, b) => a - b);
        const truth = sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]!;
        const place = findDurationBucket(truth);
        const found = estimateQuantile(histogramOf(durations), q)!;
        expect(found).toBeGreaterThanOrEqual(place === 0 ? 0 : DURATION_BOUNDS_MS[place - 1]!);
        expect(found).toBeLessThanOrEqual(DURATION_BOUNDS_MS[place]!);
      },
    ),
  );
});

test("quantiles never decrease as q grows", () => {
  fc.assert(
    fc.property(fc.array(duration, { minLength: 1 }), (durations) => {
      const histogram = histogramOf(durations);
      const quantiles = [0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 1].map((q) => estimateQuantile(histogram, q)!);
      expect([...quantiles].sort((a, b) => a - b)).toEqual(quantiles);
    }),
  );
});

test("adding histograms adds their counts", () => {
  fc.assert(
    fc.property(fc.array(duration), fc.array(duration), (a, b) => {
      const sum = addHistograms(histogramOf(a), histogramOf(b));
      expect(sum.counts).toEqual(histogramOf([...a, ...b]).counts);
      expect(countDurations(sum)).toBe(a.length + b.length);
    }),
  );
});

test("an empty histogram has no quantile, and durations beyond all bounds are reported as the last one", () => {
  expect(estimateQuantile(EMPTY_HISTOGRAM, 0.5)).toBeUndefined();
  expect(estimateQuantile(histogramOf([5_000_000]), 0.5)).toBe(1_000_000);
});
