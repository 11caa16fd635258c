import fc from "fast-check";
import { expect, test } from "vitest";
import { computeCacheStats, countRequestedItems } from "#src/producer/cache/reused-stats.ts";

const counts = (ok: number, copies: number, cached = 0, tokens = 0, outputTokens = 0) => ({
  ...{ ok, failed: 0 },
  reused: { duplicates: copies, cached, tokens, outputTokens },
});

test("a run in which every result took a call has nothing to tell", () => {
  expect(computeCacheStats(counts(10, 0), { inputsPerCall: 10 }, 0)).toBeUndefined();
});

test("calls saved are those that all items would have taken, less those that the others take", () => {
  expect(computeCacheStats(counts(25, 5), { inputsPerCall: 10 }, 0)).toMatchObject({ copies: 5, calls: 1 });
  expect(computeCacheStats(counts(30, 5), { inputsPerCall: 10 }, 0)).toMatchObject({ calls: 0 });
  expect(computeCacheStats(counts(30, 5, 25), { inputsPerCall: 10 }, 0)).toMatchObject({ cached: 25, calls: 3 });
  fc.assert(
    fc.property(fc.nat(500), fc.nat(500), fc.integer({ min: 1, max: 64 }), (asked, copies, inputsPerCall) => {
      const stats = computeCacheStats(counts(asked + copies, copies), { inputsPerCall }, 0);
      const calls = (items: number) => Math.ceil(items / inputsPerCall);
      expect(stats?.calls ?? 0).toBe(calls(asked + copies) - calls(asked));
    }),
  );
});

test("the saved cost is reported if all prices are known", () => {
  const price = { inputPerMillionTokens: 2, currency: "CNY" };
  const tell = (outputTokens: number, more = {}) =>
    computeCacheStats(counts(2, 1, 0, 1_000_000, outputTokens), { inputsPerCall: 1, price: { ...price, ...more } }, 0)
      ?.cost;
  expect(tell(0)).toEqual({ amount: 2, currency: "CNY" });
  expect(tell(500_000)).toBeUndefined();
  expect(tell(500_000, { outputPerMillionTokens: 10 })).toEqual({ amount: 6, currency: "CNY" });
});

test("the expected cost of a run counts only items that need a call", () => {
  const half = { items: 100, ...counts(50, 20, 10) };
  expect(countRequestedItems(half, { count: 40 })).toEqual({ done: 20, total: 50 });
  expect(countRequestedItems({ items: 8, ...counts(4, 0) }, undefined)).toEqual({ done: 4, total: 8 });
  const failing = {
    items: 10,
    ok: 0,
    failed: 10,
    reused: { duplicates: 0, cached: 0, tokens: 0, outputTokens: 0 },
  };
  expect(countRequestedItems(failing, { count: 9 })).toEqual({ done: 1, total: 1 });
});
