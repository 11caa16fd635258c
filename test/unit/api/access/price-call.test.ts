import { describe, expect, test } from "vitest";
import { computeBudgetCost, computeUsedCost, countUsedTokens } from "#src/api/access/price-call.ts";
import type { ModelData } from "#src/providers/provider.ts";
import { createTestKey } from "#test/support/api-keys/create-test-key.ts";

const price = {
  inputPerMillionTokens: 1,
  cachedInputPerMillionTokens: 0.1,
  outputPerMillionTokens: 4,
  currency: "USD",
};
const model: ModelData = { name: "m", kind: "chat", price, maxTokens: 100_000, maxOutputTokens: 1_000 };
const key = createTestKey();
const expected = { model: "p/m", inputTokens: 100, outputTokens: 50 };

describe("the highest cost of a call", () => {
  test("includes the error of the estimate, and the longest allowed answer", () => {
    expect(computeBudgetCost(key, model, expected, 0)).toBeCloseTo((115 + 4 * 50) / 1e6, 12);
  });

  test("is that of the longest answer of the model if the request has no limit, for each answer", () => {
    const unlimited = { ...expected, isOutputLimited: false };
    expect(computeBudgetCost(key, model, unlimited, 0)).toBeCloseTo((115 + 4 * 1_000) / 1e6, 12);
    expect(computeBudgetCost(key, model, { ...unlimited, answers: 3 }, 0)).toBeCloseTo((115 + 4 * 3_000) / 1e6, 12);
    const { maxOutputTokens: _, ...unknown } = model;
    expect(computeBudgetCost(key, unknown, unlimited, 0)).toBeCloseTo((115 + 4 * 100_000) / 1e6, 12);
  });

  test("is unknown without a price for all tokens, or in another currency", () => {
    const { price: _, ...unpriced } = model;
    const inputOnly = { ...model, price: { inputPerMillionTokens: 1, currency: "USD" } };
    const inYuan = { ...model, price: { ...price, currency: "CNY" } };
    for (const [one, why] of [
      [unpriced, "the price of p/m is unknown"],
      [inputOnly, "the price of p/m is unknown"],
      [inYuan, "the price of p/m is in CNY"],
    ] as const) {
      expect(computeBudgetCost(key, one, expected, 0)).toMatchObject({
        status: 403,
        message: expect.stringContaining(why),
      });
    }
  });
});

describe("the cost of an answer", () => {
  test("distinguishes input, cached input, and output", () => {
    const used = { inputTokens: 1_000, cachedTokens: 600, outputTokens: 100 };
    expect(computeUsedCost(price, used, 0)).toBeCloseTo((400 + 60 + 400) / 1e6, 12);
  });

  test("counts all tokens at the higher rate if only their sum is known", () => {
    expect(computeUsedCost(price, { totalTokens: 1_000 }, 0)).toBeCloseTo(4_000 / 1e6, 12);
    expect(computeUsedCost({ inputPerMillionTokens: 1, currency: "USD" }, { totalTokens: 1_000 }, 0)).toBeCloseTo(
      1e-3,
      12,
    );
  });

  test("is unknown without a report or a price", () => {
    expect(computeUsedCost(price, {}, 0)).toBeUndefined();
    expect(computeUsedCost(undefined, { totalTokens: 1 }, 0)).toBeUndefined();
  });
});

test("tokens are counted from what was reported", () => {
  expect(countUsedTokens({ totalTokens: 7, inputTokens: 1 })).toBe(7);
  expect(countUsedTokens({ inputTokens: 3, outputTokens: 4 })).toBe(7);
  expect(countUsedTokens({ inputTokens: 3 })).toBe(3);
  expect(countUsedTokens({})).toBeUndefined();
});
