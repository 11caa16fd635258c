import { expect, test } from "vitest";
import { computeCost, estimateCostRange } from "#src/core/money.ts";

const PRICE = { inputPerMillionTokens: 2, outputPerMillionTokens: 8, currency: "CNY" };

test("input and output are charged at their own prices", () => {
  expect(computeCost(PRICE, { input: 500_000, output: 250_000 })).toBe(3);
  expect(computeCost({ inputPerMillionTokens: 0, currency: "CNY" }, { input: 10, output: 0 })).toBe(0);
});

test("an unknown price makes the cost unknown only if it applies to some tokens", () => {
  const inputOnly = { inputPerMillionTokens: 2, currency: "CNY" };
  expect(computeCost(inputOnly, { input: 1_000_000, output: 0 })).toBe(2);
  expect(computeCost(inputOnly, { input: 1_000_000, output: 1 })).toBeUndefined();
  expect(computeCost({ currency: "CNY" }, { input: 1, output: 0 })).toBeUndefined();
});

test("an estimate has the estimator's error on both sides, and output from 0 tokens to its limit", () => {
  expect(estimateCostRange(PRICE, { input: 1_000_000, output: 0 })).toEqual({
    low: 1.7,
    expected: 2,
    high: 2.3,
  });
  const chat = estimateCostRange(PRICE, { input: 1_000_000, output: 1_000_000 });
  expect(chat?.low).toBeCloseTo(1.7);
  expect(chat?.expected).toBeCloseTo(6);
  expect(chat?.high).toBeCloseTo(10.3);
});
