import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import type { Clock } from "#src/core/clock.ts";
import { RunCosts } from "#src/producer/runs/progress/run-costs.ts";
import { ITEM_TABLES, RECORD_TABLES } from "#src/producer/storage/schema.ts";
import type { WireRecord } from "#src/state/record-format/record-codec.ts";

const clock: Clock = { now: () => 0, monotonic: () => 0, sleep: async () => undefined };
const PRICES = new Map([
  ["a/one", { inputPerMillionTokens: 1e6, outputPerMillionTokens: 2e6, currency: "USD" }],
  ["b/two", { inputPerMillionTokens: 1e6, outputPerMillionTokens: 1e6, currency: "CNY" }],
  ["b/three", undefined],
]);

const record = (lane: string, tokens: number): WireRecord => ({
  index: 0,
  attempts: 1,
  tokens,
  json: {},
  call: { lane, startedAt: 0, durationMs: 1 },
});

function openDatabase(rows: readonly (readonly [lane: string, tokens: number, outputTokens: number])[] = []) {
  const database = new DatabaseSync(":memory:", { enableForeignKeyConstraints: false });
  database.exec(ITEM_TABLES + RECORD_TABLES);
  for (const [index, [lane, tokens, outputTokens]] of rows.entries()) {
    database.prepare("INSERT INTO lanes VALUES (?, ?)").run(index, lane);
    database
      .prepare(
        "INSERT INTO records (\"index\", status, attempts, tokens, output_tokens, recorded_at, lane) VALUES (?, 'ok', 1, ?, ?, 0, ?)",
      )
      .run(index, tokens, outputTokens, index);
  }
  return database;
}

test("a model without a price does not hide the costs of the others", () => {
  const costs = new RunCosts(PRICES, { tokens: 0, state: "planned" }, clock);
  costs.restore(0, 0, openDatabase());
  costs.add([record("a/one", 10), record("a:team/one", 5), record("b/two", 7), record("b/three", 3)]);
  expect(costs.total).toBeUndefined();
  expect(costs.perModel).toEqual([
    { model: "a/one", tokens: 15, cost: { amount: 15, currency: "USD" } },
    { model: "b/two", tokens: 7, cost: { amount: 7, currency: "CNY" } },
    { model: "b/three", tokens: 3, cost: undefined },
  ]);
});

test("a resumed run adds what each model stored after the last checkpoint", () => {
  const manifest = {
    tokens: 20,
    state: "running" as const,
    costs: [{ model: "a/one", tokens: 20, cost: { amount: 50, currency: "USD" } }],
  };
  const costs = new RunCosts(PRICES, manifest, clock);
  const database = openDatabase([
    ["a/one", 20, 0],
    ["a:team/one", 20, 10],
    ["b/two", 4, 0],
  ]);
  costs.restore(44, 10, database);
  costs.restore(44, 10, database);
  expect(costs.perModel).toMatchObject([
    // 20 tokens more, of which a quarter is output, as in all records of the model.
    { tokens: 40, cost: { amount: 50 + 15 + 2 * 5 } },
    { tokens: 4, cost: { amount: 4 } },
    { tokens: 0 },
  ]);
});

test("several models with prices in one currency have a total, and one model has no list", () => {
  const prices = new Map([...PRICES].slice(0, 1));
  const one = new RunCosts(prices, { tokens: 0, state: "planned" }, clock);
  // The lane of a record is only needed to tell models apart.
  one.add([{ index: 0, attempts: 1, tokens: 5, json: {} }]);
  expect([one.total, one.perModel]).toEqual([{ spent: 5, currency: "USD" }, undefined]);
  const two = new RunCosts(new Map([...prices, ["c/x", prices.get("a/one")]]), { tokens: 0, state: "planned" }, clock);
  two.add([record("a/one", 1), record("c/x", 2)]);
  expect(two.total).toEqual({ spent: 3, currency: "USD" });
  expect(two.perModel).toHaveLength(2);
});
