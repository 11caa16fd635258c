import { availableParallelism } from "node:os";
import { expect, test } from "vitest";
import { workerCount } from "../../../src/cli/parse-option.ts";
import { maxWorkers } from "../../../src/config/max-workers.ts";

test("a number of workers that no machine bears is refused with the bound and a way on", () => {
  const most = maxWorkers();
  expect(workerCount("0")).toBe(0);
  expect(workerCount(String(most))).toBe(most);
  expect(() => workerCount("9999999")).toThrow(`expected 0 to ${most}; one per core`);
  expect(() => workerCount(String(most + 1))).toThrow("sluice worker");
  expect(() => workerCount("-1")).toThrow("whole number");
  expect(() => workerCount("two")).toThrow("whole number");
});

test("the bound is never below what the cores of a machine can use", () => {
  expect(maxWorkers()).toBeGreaterThanOrEqual(availableParallelism());
  expect([maxWorkers(1), maxWorkers(8), maxWorkers(192)]).toEqual([64, 64, 1536]);
});
