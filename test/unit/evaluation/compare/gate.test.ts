import { expect, test } from "vitest";
import type { EvaluationComparison } from "#src/evaluation/compare/compare-evaluations.ts";
import { checkGate, parseGate } from "#src/evaluation/compare/gate.ts";

const COMPARISON: EvaluationComparison = {
  ...{ dir: "b", baselineDir: "a", dataset: "d", prompt: "default", model: "m", baseline: "m", scorer: "accuracy" },
  ...{ range: "binary", items: 100, mean: 0.79, baselineMean: 0.8, difference: -0.01, interval: null },
  ...{ pValue: 1, adjustedPValue: 1, test: "mcnemar", won: 0, lost: 1, tied: 99, itemsNeeded: null },
  ...{ rows: { common: 100, onlyBaseline: 0, onlyCompared: 0 }, groups: [] },
};

test.each([
  ["accuracy >= baseline - 0.01", true],
  ["accuracy>=baseline-0.01", true],
  ["accuracy > baseline - 0.01", false],
  ["accuracy >= baseline", false],
  ["accuracy <= baseline + 0.5", true],
  ["accuracy < baseline", true],
  ["accuracy >= 0.79", true],
  ['"accuracy" > 0.79', false],
  ["accuracy > -1", true],
])("the gate %s: %s", (text, passed) => {
  expect(checkGate(parseGate(text), [COMPARISON]).map((result) => result.passed)).toEqual([passed]);
});

test.each([
  ["", "the name of a scorer at position 1"],
  ["accuracy", ">=, >, <=, or < at position 9"],
  ["accuracy == baseline", ">=, >, <=, or < at position 10"],
  ["accuracy >= base", '"baseline" or a number at position 13'],
  ["accuracy >= baseline -", "a number such as 0.01 at position 23"],
  ["accuracy >= baseline 0.01", "+, -, or the end at position 22"],
  ["accuracy >= baseline - 1%", "the end at position 25"],
  ["accuracy >= 0.5 and more", "the end at position 17"],
])("the gate '%s' is rejected with its position", (text, message) => {
  expect(() => parseGate(text)).toThrow(message);
});

test("a gate about an unknown scorer is an error, and one without compared rows fails", () => {
  expect(() => checkGate(parseGate("f1 > 0"), [COMPARISON])).toThrow("compared are: accuracy");
  const empty = { ...COMPARISON, items: 0, mean: null, baselineMean: null };
  expect(checkGate(parseGate("accuracy >= 0"), [empty])).toMatchObject([{ passed: false, threshold: null }]);
});
