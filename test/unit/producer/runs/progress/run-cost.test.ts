import { expect, test } from "vitest";
import type { Clock } from "#src/core/clock.ts";
import { RunCost } from "#src/producer/runs/progress/run-cost.ts";
import type { WireRecord } from "#src/state/record-format/record-codec.ts";

const at = (time: string) => Date.parse(`2026-12-01T${time}Z`);
const clock: Clock = { now: () => at("12:00:00"), monotonic: () => 0, sleep: async () => undefined };
const PRICE = {
  inputPerMillionTokens: 1_000_000,
  cachedInputPerMillionTokens: 100_000,
  outputPerMillionTokens: 2_000_000,
  currency: "USD",
  windows: [{ from: "06:00", to: "10:00", factor: 3 }],
};

const record = (tokens: number, startedAt?: number, usage?: object): WireRecord => ({
  index: 0,
  attempts: 1,
  tokens,
  json: usage && { usage },
  call: startedAt === undefined ? undefined : { lane: "p/m", startedAt, durationMs: 1 },
});

test("each record costs the price of its call's time, with cached input and output at their own prices", () => {
  const cost = new RunCost(PRICE, { tokens: 0, state: "planned" }, clock);
  cost.restore(0, 0);
  for (const each of [record(10, at("09:59:59")), record(10, at("10:00:00")), record(10)]) cost.add(each);
  expect(cost.total).toEqual({ amount: 50, currency: "USD" });
  cost.add(record(12, at("11:00:00"), { outputTokens: 2, cachedTokens: 5 }));
  expect(cost.total?.amount).toBeCloseTo(50 + 5 + 0.5 + 4);
});

test("a resumed run continues from its last checkpoint, and adds what was stored after it", () => {
  const cost = new RunCost(PRICE, { tokens: 100, state: "running", cost: { amount: 250, currency: "USD" } }, clock);
  cost.restore(140, 35);
  cost.restore(999, 0);
  // A quarter of the tokens is output.
  expect(cost.total?.amount).toBeCloseTo(250 + 30 + 10 * 2);
});

test("records of a checkpoint that a kill took along are paid once", () => {
  const manifest = { tokens: 100, cost: { amount: 250, currency: "USD" } };
  const killed = new RunCost(PRICE, { ...manifest, state: "running" }, clock);
  killed.restore(80, 0);
  expect(killed.total?.amount).toBeCloseTo(200);
  // A retry has removed answers that were paid.
  const retried = new RunCost(PRICE, { ...manifest, state: "finished" }, clock);
  retried.restore(80, 0);
  expect(retried.total?.amount).toBe(250);
});

test("without an earlier cost in the same currency, all stored tokens are counted at the current price", () => {
  for (const manifest of [{ tokens: 100 }, { tokens: 100, cost: { amount: 5, currency: "CNY" } }]) {
    const cost = new RunCost(PRICE, { ...manifest, state: "running" }, clock);
    cost.restore(100, 0);
    expect(cost.total).toEqual({ amount: 100, currency: "USD" });
  }
});

test("the cost is unknown if the price of some tokens is", () => {
  const cost = new RunCost({ inputPerMillionTokens: 1, currency: "USD" }, { tokens: 0, state: "planned" }, clock);
  cost.add(record(10, 0, { outputTokens: 1 }));
  expect(cost.total).toBeUndefined();
});

test("discarded answers are paid once, also those that the last checkpoint contains", () => {
  const cost = new RunCost(PRICE, { tokens: 100, state: "running", cost: { amount: 100, currency: "USD" } }, clock);
  cost.restore(90, 0, 10);
  expect(cost.total?.amount).toBe(100);
  for (const discarded of [10, 15, 15]) cost.addDiscarded(discarded);
  expect(cost.total?.amount).toBe(105);
  expect(cost.tokens).toBe(105);
});
