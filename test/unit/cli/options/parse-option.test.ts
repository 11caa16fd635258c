import { availableParallelism } from "node:os";
import { expect, test } from "vitest";
import { parseFieldNames, parseWorkerCount } from "#src/cli/options/parse-option.ts";
import { maxWorkers } from "#src/config/max-workers.ts";

test("an excessive number of workers is rejected with the maximum and a suggestion", () => {
  const most = maxWorkers();
  expect(parseWorkerCount("0")).toBe(0);
  expect(parseWorkerCount(String(most))).toBe(most);
  expect(() => parseWorkerCount("9999999")).toThrow(`expected 0 to ${most}. One per core`);
  expect(() => parseWorkerCount(String(most + 1))).toThrow("sluice worker");
  expect(() => parseWorkerCount("-1")).toThrow("whole number");
  expect(() => parseWorkerCount("two")).toThrow("whole number");
});

test("the maximum is never below what the cores of a machine can use", () => {
  expect(maxWorkers()).toBeGreaterThanOrEqual(availableParallelism());
  expect([maxWorkers(1), maxWorkers(8), maxWorkers(192)]).toEqual([64, 64, 1536]);
});

test("names of fields are separated by commas, and none is an empty list", () => {
  expect(parseFieldNames("title, year,title")).toEqual(["title", "year"]);
  expect(parseFieldNames("none")).toEqual([]);
  for (const text of ["", "a,", ",a"]) expect(() => parseFieldNames(text)).toThrow("separated by commas");
});
