import fc from "fast-check";
import { expect, test } from "vitest";
import type { Clock } from "#src/core/clock.ts";
import type { TokenPrice } from "#src/core/money.ts";
import { Budget, type BudgetCandidate } from "#src/producer/runs/budget/budget.ts";
import { RunCost } from "#src/producer/runs/progress/run-cost.ts";
import type { WireRecord } from "#src/state/record-format/record-codec.ts";

/** One unit of money per token. */
const PRICE = { inputPerMillionTokens: 1e6, outputPerMillionTokens: 1e6, currency: "CNY" };

/** A budget of a run that has spent some money before. `recordResults` also adds the cost of the records. */
function openBudget({ cap, price = PRICE, spent = 0 }: { cap: number; price?: TokenPrice; spent?: number }) {
  const clock: Clock = { now: () => 0, monotonic: () => 0, sleep: async () => undefined };
  const cost = new RunCost(price, { tokens: 0, state: "planned" }, clock);
  const budget = new Budget({ now: clock.now, cap, price, readSpent: () => spent + (cost.total?.amount ?? 0) });
  return {
    budget,
    recordResults(records: readonly WireRecord[]) {
      for (const each of records) cost.add(each);
      budget.recordResults(records);
    },
  };
}

const candidates = (count: number, input: number, from = 0): BudgetCandidate[] =>
  Array.from({ length: count }, (_, i) => ({ index: from + i, tokens: { input, output: 0 } }));
const record = (index: number, tokens: number): WireRecord => ({
  index,
  attempts: 1,
  tokens,
  vector: Buffer.alloc(4),
});

test("a sample goes first: a tenth of the money, with the error of the estimate", () => {
  const { budget } = openBudget({ cap: 1_150 });
  const items = candidates(50, 10);
  expect(budget.countAffordable(items)).toBe(10);
  budget.recordSent(items.slice(0, 6));
  expect(budget.countAffordable(items.slice(6))).toBe(4);
});

test("the last item may take all that is left, when it is alone", () => {
  const { budget } = openBudget({ cap: 115, spent: 103.5 });
  const items = candidates(50, 10);
  expect(budget.countAffordable(items)).toBe(1);
  budget.recordSent(items.slice(0, 1));
  expect(budget.countAffordable(items.slice(1))).toBe(0);
  expect(openBudget({ cap: 115, spent: 104 }).budget.countAffordable(items)).toBe(0);
});

test("what was spent before counts, and nothing is affordable at the cap", () => {
  const { budget } = openBudget({ cap: 100, spent: 100 });
  expect(budget.countAffordable(candidates(1, 1))).toBe(0);
});

test("records that cost less than estimated make room for more", () => {
  const { budget, recordResults } = openBudget({ cap: 1_000 });
  budget.recordSent(candidates(20, 10));
  recordResults(Array.from({ length: 20 }, (_, i) => record(i, 5)));
  expect(budget.spent).toBe(100);
  // Half of the 900 left, and an item of 10 estimated tokens costs 5 and a margin of 5 %.
  expect(budget.countAffordable(candidates(500, 10, 20))).toBe(85);
});

test("an item sent again counts once, and a record of an unknown item is spent all the same", () => {
  const { budget, recordResults } = openBudget({ cap: 1_150 });
  budget.recordSent(candidates(5, 10));
  budget.recordSent(candidates(5, 10));
  expect(budget.countAffordable(candidates(50, 10, 5))).toBe(5);
  recordResults([record(99, 7)]);
  expect(budget.spent).toBe(7);
});

test("answers are charged as what they are, and failures as nothing", () => {
  const price = { inputPerMillionTokens: 1e6, outputPerMillionTokens: 3e6, currency: "CNY" };
  const { budget, recordResults } = openBudget({ cap: 1e6, price });
  recordResults([{ index: 0, attempts: 1, tokens: 30, json: { usage: { outputTokens: 20 } } }]);
  recordResults([{ index: 1, attempts: 1, tokens: 30, failure: { kind: "server", message: "" } }]);
  expect(budget.spent).toBe(70);
});

test.each([
  [1, 0.85, 1.15],
  [1.4, 0.95, 1.05],
  [0.5, 0.8, 1.25],
])(
  "estimates that are %f of the truth, give or take: the cap is kept, and missed by about an item",
  (bias, low, high) => {
    fc.assert(
      fc.property(
        fc.integer({ min: 500, max: 20_000 }),
        fc.array(fc.tuple(fc.integer({ min: 5, max: 20 }), fc.double({ min: low, max: high, noNaN: true })), {
          minLength: 1,
          maxLength: 300,
        }),
        fc.integer({ min: 1, max: 40 }),
        (cap, texts, window) => {
          const sizes = texts.map(([size]) => size);
          const actual = texts.map(([size, error]) => size * bias * error);
          const { budget, recordResults } = openBudget({ cap });
          let at = 0;
          for (;;) {
            const next = sizes
              .slice(at, at + window)
              .map((input, i) => ({ index: at + i, tokens: { input, output: 0 } }));
            const count = budget.countAffordable(next);
            if (count === 0) break;
            budget.recordSent(next.slice(0, count));
            recordResults(
              next.slice(0, count).map(({ index, tokens }) => record(index, actual[index] ?? tokens.input)),
            );
            at += count;
          }
          expect(budget.spent).toBeLessThanOrEqual(cap * (1 + 1e-9));
          if (at < sizes.length) expect(budget.spent + (sizes[at] ?? 0) * 1.9).toBeGreaterThan(cap);
        },
      ),
    );
  },
);
