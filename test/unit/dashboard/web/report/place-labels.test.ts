import { expect, test } from "vitest";
import { placeLabels } from "#src/dashboard/web/report/charts/place-labels.ts";

test("labels of close points do not overlap, and stay within the chart", () => {
  const points = Array.from({ length: 8 }, (_, i) => ({ x: 290 + i, y: 100, label: `a model ${i}` }));
  const placed = placeLabels(points, 0, 300);
  for (const [i, a] of placed.entries())
    for (const b of placed.slice(i + 1)) expect(Math.abs(a.y - b.y)).toBeGreaterThanOrEqual(14);
  expect(placed.every(({ x }) => x >= 0 && x < 290)).toBe(true);
});

test("a label without a place keeps the first one", () => {
  const points = Array.from({ length: 40 }, () => ({ x: 50, y: 100, label: "a label" }));
  expect(placeLabels(points, 0, 300)).toHaveLength(40);
});
