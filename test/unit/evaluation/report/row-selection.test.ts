import { expect, test } from "vitest";
import type { ReportAnswer } from "#src/evaluation/report/report-data.ts";
import { RowSelection } from "#src/evaluation/report/row-selection.ts";

const answer = (value: number | undefined): ReportAnswer => ({
  ...{ model: "m", prompt: "default", sample: 1, status: value === undefined ? "failed" : "answered" },
  ...(value !== undefined && { scores: { accuracy: { status: "scored", value } } }),
});

function choose(values: readonly (number | undefined)[], limits: { rows: number; bytes: number }) {
  const selection = new RowSelection();
  for (const [key, value] of values.entries()) selection.add(key, [answer(value)], 100);
  selection.choose(limits);
  return values.flatMap((_, key) => (selection.has(key) ? [key] : []));
}

test("the worst rows are chosen, and of equal ones the first", () => {
  expect(choose([1, 0.5, 0, undefined, 1], { rows: 3, bytes: 1e6 })).toEqual([1, 2, 3]);
  expect(choose([1, 1, 1], { rows: 2, bytes: 1e6 })).toEqual([0, 1]);
  expect(choose([1, 0, 1, 0], { rows: 10, bytes: 250 })).toEqual([1, 3]);
});

test("at least one row is chosen, and all of them before a choice", () => {
  expect(choose([1, 0], { rows: 10, bytes: 10 })).toEqual([1]);
  expect(choose([1, 0], { rows: 10, bytes: 1_000 })).toEqual([0, 1]);
  expect(new RowSelection().has(7)).toBe(true);
});

test("the badness of a row is that in all evaluations together", () => {
  const selection = new RowSelection();
  for (const [key, value] of [
    [0, 1],
    [1, 0],
    [2, 0],
    [0, 0],
    [1, 1],
    [2, 0],
  ] as const)
    selection.add(key, [answer(value)], 1);
  selection.choose({ rows: 1, bytes: 100 });
  expect([0, 1, 2].filter((key) => selection.has(key))).toEqual([2]);
});
