import { expect, test } from "vitest";
import type { Item } from "#src/core/item.ts";
import { estimateChatRun, sumCosts } from "#src/producer/runs/budget/estimate-chat-run.ts";

const PRICE = { inputPerMillionTokens: 1e6, outputPerMillionTokens: 1e6, currency: "USD" };

async function* createItems(count: number, modelOf: (index: number) => string): AsyncGenerator<Item[]> {
  const text = JSON.stringify({ messages: [{ role: "user", content: "hi" }], maxTokens: 100 });
  for (let index = 0; index < count; index += 1)
    yield [{ index, id: `q-${index}`, text, tokens: 10, metadata: { model: modelOf(index) } }];
}

test("models that take turns are estimated each, however large the sample is", async () => {
  const models = new Map([
    ["a/x", { price: PRICE, maxOutputTokens: undefined }],
    ["b/y", { price: undefined, maxOutputTokens: undefined }],
  ]);
  // Every second request is in the sample.
  const estimates = await estimateChatRun(
    createItems(4_000, (index) => (index % 2 === 0 ? "a/x" : "b/y")),
    4_000,
    models,
    0,
  );
  expect(estimates.get("a/x")).toEqual({
    requests: 2_000,
    inputTokens: 20_000,
    outputTokens: 100_000,
    cost: { low: 17_000, expected: 120_000, high: 223_000, currency: "USD" },
  });
  expect(estimates.get("b/y")).toEqual({
    requests: 2_000,
    inputTokens: 20_000,
    outputTokens: 100_000,
    cost: undefined,
  });
});

test("costs are added if all are known and in one currency", () => {
  const cost = { low: 1, expected: 2, high: 3, currency: "USD" };
  expect(sumCosts([cost, cost])).toEqual({ low: 2, expected: 4, high: 6, currency: "USD" });
  expect([sumCosts([]), sumCosts([cost, undefined]), sumCosts([undefined, cost])]).toEqual(Array(3).fill(undefined));
  expect(sumCosts([cost, { ...cost, currency: "CNY" }])).toBeUndefined();
});
