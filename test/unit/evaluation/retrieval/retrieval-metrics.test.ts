import fc from "fast-check";
import { expect, test } from "vitest";
import { scoreRanking, summarizeRankings } from "#src/evaluation/retrieval/retrieval-metrics.ts";

const JUDGEMENTS = new Map([
  ["a", 3],
  ["b", 2],
  ["c", 1],
  ["d", 0],
]);

test("recall, reciprocal rank, and nDCG of a ranking, computed by hand", () => {
  const scores = scoreRanking(["d", "b", "x", "a"], JUDGEMENTS, 4);
  expect(scores?.recall).toBeCloseTo(2 / 3, 12);
  expect(scores?.reciprocalRank).toBe(1 / 2);
  const ideal = 3 + 2 / Math.log2(3) + 1 / Math.log2(4);
  expect(scores?.ndcg).toBeCloseTo((2 / Math.log2(3) + 3 / Math.log2(5)) / ideal, 12);
});

test("only the first k count, and k bounds the best ranking too", () => {
  expect(scoreRanking(["d", "a"], JUDGEMENTS, 1)).toEqual({ recall: 0, reciprocalRank: 0, ndcg: 0 });
  expect(scoreRanking(["a", "d"], JUDGEMENTS, 1)).toEqual({ recall: 1 / 3, reciprocalRank: 1, ndcg: 1 });
  expect(scoreRanking([], JUDGEMENTS, 5)).toEqual({ recall: 0, reciprocalRank: 0, ndcg: 0 });
});

test("a query without a relevant document has no scores", () => {
  expect(scoreRanking(["a"], new Map([["a", 0]]), 3)).toBeUndefined();
});

test("the best ranking has nDCG 1, and no ranking more", () => {
  const grades = fc.uniqueArray(fc.tuple(fc.string(), fc.integer({ min: 0, max: 3 })), {
    selector: ([id]) => id,
    minLength: 1,
  });
  fc.assert(
    fc.property(grades, fc.integer({ min: 1, max: 12 }), (list, k) => {
      const judgements = new Map(list);
      const best = list.toSorted((a, b) => b[1] - a[1]).map(([id]) => id);
      const scores = scoreRanking(best, judgements, k);
      const given = scoreRanking(
        list.map(([id]) => id),
        judgements,
        k,
      );
      if (scores === undefined || given === undefined) return;
      expect(scores.ndcg).toBeCloseTo(1, 9);
      expect(given.ndcg).toBeLessThanOrEqual(1 + 1e-9);
    }),
  );
});

test("means over queries, with intervals if there are several", () => {
  const scores = [
    { recall: 1, reciprocalRank: 1, ndcg: 1 },
    { recall: 0, reciprocalRank: 0.5, ndcg: 0.5 },
  ];
  const [recall, rank] = summarizeRankings(scores, 5, 0.95);
  expect(recall).toMatchObject({ name: "recall@5", mean: 0.5 });
  expect(rank).toMatchObject({ name: "MRR@5", mean: 0.75 });
  expect(recall?.interval.low).toBeLessThan(0.5);
  expect(summarizeRankings(scores.slice(0, 1), 5, 0.95)[0]?.interval.low).toBeNaN();
});
