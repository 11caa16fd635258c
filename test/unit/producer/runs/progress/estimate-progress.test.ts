import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { estimateProgress, keepSamples, type ProgressSample } from "#src/producer/runs/progress/estimate-progress.ts";

const sample = (at: number, items: number): ProgressSample => ({
  at,
  items,
  calls: items / 10,
  tokens: items * 40,
});

/** Samples every half second of a run whose items at a moment are given by `itemsAt`. */
function follow(seconds: number, itemsAt: (second: number) => number): ProgressSample[] {
  let samples: ProgressSample[] = [];
  for (let at = 0; at <= seconds * 1000; at += 500) samples = keepSamples(samples, sample(at, itemsAt(at / 1000)));
  return samples;
}

describe("an estimate", () => {
  it("knows nothing before there is a second to look at", () => {
    expect(estimateProgress([], 100)).toEqual({});
    expect(estimateProgress([sample(0, 0)], 100)).toEqual({});
    expect(estimateProgress([sample(0, 0), sample(500, 50)], 100)).toEqual({});
  });

  it("gives rates and the time remaining at an even pace", () => {
    expect(
      estimateProgress(
        follow(30, (second) => second * 100),
        2_000,
      ),
    ).toEqual({
      itemsPerSecond: 100,
      callsPerSecond: 10,
      tokensPerSecond: 4_000,
      etaMs: 20_000,
    });
  });

  it("does not count what was there when it began to look", () => {
    const { itemsPerSecond } = estimateProgress(
      follow(10, (second) => 1_000_000 + second),
      5,
    );
    expect(itemsPerSecond).toBe(1);
  });

  it("shows a change of pace in the rates within seconds", () => {
    const { itemsPerSecond } = estimateProgress(
      follow(100, (second) => second * 100 - Math.max(0, second - 80) * 90),
      1,
    );
    expect(itemsPerSecond).toBe(10);
  });

  it("keeps the time remaining steady where a minute's share is spent at once", () => {
    const bursts = (second: number) => 6_000 * Math.floor(second / 60) + Math.min(6_000, (second % 60) * 1_200);
    for (let second = 240; second < 300; second += 1) {
      const estimate = estimateProgress(follow(second, bursts), 60_000);
      expect(estimate.etaMs).toBe(600_000);
      if (second % 60 >= 30) expect(estimate.itemsPerSecond).toBe(0);
    }
  });

  it("sees no end while nothing moves, and is at the end when nothing is missing", () => {
    const still = follow(200, (second) => Math.min(second, 50));
    expect(estimateProgress(still, 10)).toEqual({ itemsPerSecond: 0, callsPerSecond: 0, tokensPerSecond: 0 });
    expect(estimateProgress(still, 0).etaMs).toBe(0);
  });
});

describe("samples", () => {
  it("stay few and cover the window, however often they are taken", () => {
    const steps = fc.array(fc.nat({ max: 3_000 }), { minLength: 1, maxLength: 1_500 });
    fc.assert(
      fc.property(steps, (distances) => {
        let at = 0;
        let samples: ProgressSample[] = [];
        for (const distance of distances) {
          at += distance;
          samples = keepSamples(samples, sample(at, at));
        }
        expect(samples.at(-1)?.at).toBe(at);
        expect(samples.length).toBeLessThan(1_000);
        const first = samples[0]?.at ?? 0;
        expect(first <= at - 120_000 || first === distances[0]).toBe(true);
        expect(samples.map((one) => one.at)).toEqual(samples.map((one) => one.at).sort((a, b) => a - b));
      }),
      { numRuns: 50 },
    );
  });
});
