import { expect, test } from "vitest";
import { reduceScores } from "#src/evaluation/results/reduce-scores.ts";
import { type Score, scored, scoringError, unparseable } from "#src/evaluation/score.ts";

const values = (...numbers: readonly number[]): Score[] => numbers.map((value) => scored(value, String(value)));

test.each([
  ["mean", [1, 0, 0, 1], 0.5],
  ["best", [0, 0.2, 0.1], 0.2],
  ["majority", [1, 0, 1], 1],
  ["pass@1", [1, 0, 0, 1], 0.5],
  ["pass@2", [1, 0, 0, 1], 5 / 6],
  ["pass^2", [1, 0, 0, 1], 1 / 6],
  ["pass@4", [0, 0, 0, 1], 1],
  ["pass^4", [1, 1, 1, 0], 0],
])("%s of %j is %d", (reduction, scores, expected) => {
  const reduced = reduceScores(values(...scores), reduction);
  expect(reduced).toMatchObject({ status: "scored" });
  expect(reduced.status === "scored" && reduced.value).toBeCloseTo(expected, 12);
});

test("the majority counts answers, not values", () => {
  const scores = [scored(0, "7"), scored(0, "8"), scored(1, "9"), scored(1, "9"), scored(0, "6")];
  expect(reduceScores(scores, "majority")).toMatchObject({ value: 1, answer: "9" });
});

test("samples without a score are left out, and an item without any score has none", () => {
  expect(reduceScores([scored(1), unparseable("no number"), scoringError("broken")], "mean")).toMatchObject({
    value: 1,
  });
  expect(reduceScores([unparseable("no number"), unparseable("no number")], "mean")).toMatchObject({
    status: "unparseable",
  });
  expect(reduceScores([unparseable("no number"), scoringError("broken")], "best")).toMatchObject({ status: "error" });
});

test("a reduction that the samples don't allow is an error, not a number", () => {
  expect(reduceScores(values(1, 0), "pass@3")).toMatchObject({
    status: "error",
    explanation: "pass@3 needs 3 scored samples, and the item has 2",
  });
  expect(reduceScores([scored(0.5), scored(0.7)], "majority")).toMatchObject({ status: "error" });
});
