import { expect, test } from "vitest";
import { computeCost, computeTotalCost, estimateCostRange } from "#src/core/money.ts";

const PRICE = { inputPerMillionTokens: 2, outputPerMillionTokens: 8, currency: "CNY" };

test("input and output are charged at their own prices", () => {
  expect(computeCost(PRICE, { input: 500_000, output: 250_000 }, 0)).toBe(3);
  expect(computeCost({ inputPerMillionTokens: 0, currency: "CNY" }, { input: 10, output: 0 }, 0)).toBe(0);
});

test("an unknown price makes the cost unknown only if it applies to some tokens", () => {
  const inputOnly = { inputPerMillionTokens: 2, currency: "CNY" };
  expect(computeCost(inputOnly, { input: 1_000_000, output: 0 }, 0)).toBe(2);
  expect(computeCost(inputOnly, { input: 1_000_000, output: 1 }, 0)).toBeUndefined();
  expect(computeCost({ currency: "CNY" }, { input: 1, output: 0 }, 0)).toBeUndefined();
});

test("an estimate has the estimator's error on both sides, and output from 0 tokens to its limit", () => {
  expect(estimateCostRange(PRICE, { input: 1_000_000, output: 0 }, 0)).toEqual({
    low: 1.7,
    expected: 2,
    high: 2.3,
  });
  const chat = estimateCostRange(PRICE, { input: 1_000_000, output: 1_000_000 }, 0);
  expect(chat?.low).toBeCloseTo(1.7);
  expect(chat?.expected).toBeCloseTo(6);
  expect(chat?.high).toBeCloseTo(10.3);
});

test("cached input has its own price, and long input the price of its tier", () => {
  const price = {
    ...PRICE,
    cachedInputPerMillionTokens: 0.5,
    tiers: [
      { aboveInputTokens: 100, inputPerMillionTokens: 4, outputPerMillionTokens: 16 },
      { aboveInputTokens: 200, inputPerMillionTokens: 6, outputPerMillionTokens: 20 },
    ],
  };
  expect(computeCost(price, { input: 100, output: 0, cachedInput: 40 }, 0)).toBeCloseTo((60 * 2 + 40 * 0.5) / 1e6);
  expect(computeCost(price, { input: 101, output: 10, cachedInput: 40 }, 0)).toBeCloseTo((101 * 4 + 160) / 1e6);
  expect(computeCost(price, { input: 201, output: 10 }, 0)).toBeCloseTo((201 * 6 + 200) / 1e6);
  expect(computeTotalCost(price, { input: 1_000_000, output: 0 }, 0)).toBe(2);
  expect(computeCost(PRICE, { input: 100, output: 0, cachedInput: 500 }, 0)).toBeCloseTo(200 / 1e6);
});

test("the cost depends on the time of the call", () => {
  const price = { ...PRICE, windows: [{ from: "01:00", to: "04:00", factor: 2 }] };
  const at = (time: string) => computeCost(price, { input: 1_000_000, output: 0 }, Date.parse(`2026-11-30T${time}Z`));
  expect([at("00:59:59"), at("01:00:00"), at("03:59:59"), at("04:00:00")]).toEqual([2, 4, 4, 2]);
});

test("tokens that were written to the cache have their own price", () => {
  const price = {
    inputPerMillionTokens: 4,
    cacheWritePerMillionTokens: 5,
    cachedInputPerMillionTokens: 1,
    currency: "USD",
  };
  const tokens = { input: 100, output: 0, cachedInput: 30, cacheWrite: 20 };
  expect(computeCost(price, tokens, 0)).toBeCloseTo((50 * 4 + 30 + 20 * 5) / 1e6);
  expect(
    computeCost({ inputPerMillionTokens: 4, cachedInputPerMillionTokens: 1, currency: "USD" }, tokens, 0),
  ).toBeCloseTo((70 * 4 + 30) / 1e6);
});
