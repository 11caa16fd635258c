import fc from "fast-check";
import { expect, test } from "vitest";
import { createValueScale } from "#src/dashboard/web/report/charts/value-scale.ts";
import { formatScoreTick } from "#src/evaluation/results/format-score.ts";

test("round ticks around the values", () => {
  const scale = createValueScale([0.81, 0.95], { start: 0, end: 100, bounds: [0, 1] });
  expect(scale.ticks.map((tick) => tick.toFixed(2))).toEqual(["0.80", "0.85", "0.90", "0.95", "1.00"]);
  expect(scale.toPosition(0.9)).toBeCloseTo(50, 9);
});

test("every value is between the ends, with few ticks", () => {
  const values = fc.array(
    fc.integer({ min: -1e9, max: 1e9 }).map((n) => n / 1000),
    { minLength: 1, maxLength: 10 },
  );
  fc.assert(
    fc.property(values, (given) => {
      const scale = createValueScale(given, { start: 10, end: 110 });
      for (const value of given) {
        expect(scale.toPosition(value)).toBeGreaterThanOrEqual(10 - 1e-6);
        expect(scale.toPosition(value)).toBeLessThanOrEqual(110 + 1e-6);
      }
      expect(scale.ticks.length).toBeGreaterThanOrEqual(2);
      expect(scale.ticks.length).toBeLessThanOrEqual(9);
    }),
  );
});

test.each([
  [0.9, 0.1, "90 %"],
  [0.9125, 0.0005, "91.25 %"],
  [0.5, 0.05, "50 %"],
])("the label of %d in steps of %d is %s", (value, step, label) => {
  expect(formatScoreTick("fraction")(value, step)).toBe(label);
});

test("labels of differences have a sign, except zero", () => {
  const format = formatScoreTick("binary", true);
  expect([-0.05, -1e-17, 0.05].map((value) => format(value, 0.05))).toEqual(["−5", "0", "+5"]);
  expect(formatScoreTick("number")(-2.5, 0.5)).toBe("−2.5");
});
