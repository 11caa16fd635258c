import { describe, expect, test } from "vitest";
import { compareScores, type ItemScore, mcNemarExact } from "#src/statistics.ts";

const score = (item: string, value: number, cluster?: string): ItemScore => ({ item, value, cluster });

describe("compareScores", () => {
  test("pairs right and wrong answers by item, whatever the order, and names items that have no partner", () => {
    const first = ["a", "b", "c", "d", "e", "f"].map((item, i) => score(item, i < 5 ? 1 : 0));
    const second = ["g", "f", "e", "d", "c", "b"].map((item, i) => score(item, i === 1 ? 1 : 0));
    expect(compareScores(first, second)).toMatchObject({
      ...{ pairs: 5, onlyFirst: ["a"], onlySecond: ["g"], test: "mcnemar" },
      ...{ won: 4, lost: 1, tied: 0, meanFirst: 0.8, meanSecond: 0.2, pValue: mcNemarExact(4, 1) },
      difference: expect.closeTo(0.6, 12),
    });
  });

  test("compares other scores by a permutation test that gives the same p-value every time", () => {
    const first = Array.from({ length: 40 }, (_, i) => score(`i${i}`, 0.5 + (i % 7) / 20));
    const second = Array.from({ length: 40 }, (_, i) => score(`i${i}`, 0.5 + (i % 5) / 20));
    const one = compareScores(first, second);
    expect(one.test).toBe("permutation");
    expect(compareScores(first, second)).toEqual(one);
    const mirrored = compareScores(second, first);
    expect(mirrored).toMatchObject({ won: one.lost, lost: one.won, difference: -one.difference });
    expect(mirrored.interval.low).toBeCloseTo(-one.interval.high, 12);
  });

  test("counts a cluster as one observation: more items of the same passages prove nothing", () => {
    const scores = (value: number, cluster: (i: number) => string | undefined) =>
      Array.from({ length: 60 }, (_, i) => score(`i${i}`, i % 10 < 6 ? value : 1 - value, cluster(i)));
    const alone = compareScores(
      scores(1, () => undefined),
      scores(0, () => undefined),
    );
    const clustered = compareScores(
      scores(1, (i) => `p${i % 10}`),
      scores(0, (i) => `p${i % 10}`),
    );
    expect(clustered.difference).toBeCloseTo(alone.difference, 12);
    expect(clustered.interval.high - clustered.interval.low).toBeGreaterThan(
      2 * (alone.interval.high - alone.interval.low),
    );
    expect(clustered.pValue).toBeGreaterThan(alone.pValue);
    expect(clustered.itemsNeeded).toBeGreaterThan(2 * (alone.itemsNeeded ?? 0));
  });

  test("says how many items would show the observed difference, unless there is none", () => {
    const first = Array.from({ length: 100 }, (_, i) => score(`i${i}`, i < 55 ? 1 : 0));
    const second = Array.from({ length: 100 }, (_, i) => score(`i${i}`, i >= 50 ? 1 : 0));
    const { itemsNeeded, interval } = compareScores(first, second);
    expect(interval.low).toBeLessThan(0);
    expect(itemsNeeded).toBeGreaterThan(100);
    expect(compareScores(first, first)).toMatchObject({ difference: 0, pValue: 1, itemsNeeded: undefined });
  });

  test("a difference that is not shown needs more items than there are, however few", () => {
    const score = (value: (n: number) => number) =>
      Array.from({ length: 6 }, (_, n) => ({ item: `${n}`, value: value(n) }));
    // 5 won, 0 lost: the exact test gives 2 / 2^5.
    const { pValue, itemsNeeded } = compareScores(
      score((n) => (n < 5 ? 1 : 0)),
      score(() => 0),
    );
    expect(pValue).toBeCloseTo(0.0625, 12);
    expect(itemsNeeded).toBe(7);
    const same = compareScores(
      score((n) => (n < 1 ? 1 : 0.5)),
      score(() => 0.5),
    );
    expect(same.pValue).toBe(1);
    expect(same.itemsNeeded).toBeGreaterThan(6);
  });

  test("refuses two scores of one item, scores that are no numbers, and contradicting clusters", () => {
    const valid = [score("a", 1)];
    expect(() => compareScores([score("a", 1), score("a", 0)], valid)).toThrow('the item "a" has two scores');
    expect(() => compareScores([score("a", Number.NaN)], valid)).toThrow('the score of the item "a"');
    expect(() => compareScores([score("a", 1, "x")], [score("a", 1, "y")])).toThrow("two different clusters");
  });

  test("has no numbers without pairs", () => {
    expect(compareScores([score("a", 1)], [score("b", 1)])).toMatchObject({
      pairs: 0,
      difference: Number.NaN,
      pValue: 1,
    });
    expect(compareScores([], [])).toMatchObject({ pairs: 0, won: 0, lost: 0, itemsNeeded: undefined });
  });
});
