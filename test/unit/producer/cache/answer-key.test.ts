import { expect, test } from "vitest";
import { type AnswerScope, computeAnswerKey, createChatKey } from "#src/producer/cache/answer-key.ts";

const scope: AnswerScope = {
  provider: "minimax",
  addresses: ["https://a.example", "https://b.example"],
  model: "embo-01",
  parameters: { purpose: "db", dimensions: 3 },
};
const hex = (changed: Partial<AnswerScope> = {}, text = "hello") =>
  computeAnswerKey({ ...scope, ...changed }, text).toString("hex");

test("provider, address, model, every parameter and the text decide a key", () => {
  const keys = [
    hex(),
    hex({ provider: "zhipu" }),
    hex({ addresses: ["http://127.0.0.1"] }),
    hex({ model: "embo-02" }),
    hex({ parameters: { purpose: "query", dimensions: 3 } }),
    hex({ parameters: { purpose: "db" } }),
    hex({}, "hello "),
    hex({ model: "embo-01hello" }, ""),
  ];
  expect(new Set(keys).size).toBe(keys.length);
});

test("the order of addresses and parameters does not", () => {
  expect(hex({ addresses: ["https://b.example", "https://a.example"] })).toBe(hex());
  expect(hex({ parameters: { dimensions: 3, purpose: "db" } })).toBe(hex());
});

test("a chat request has a key when its answer is meant to be the same, and one per model", () => {
  const computeKey = createChatKey((model) => ({ ...scope, model }));
  const item = (request: object, model = "zhipu/glm-4-plus") => ({
    ...{ index: 0, id: "q", tokens: 1, text: JSON.stringify(request) },
    metadata: { model },
  });
  expect(computeKey(item({ messages: [], temperature: 1 }))).toBeUndefined();
  const key = computeKey(item({ messages: [], temperature: 0 }));
  expect(key).toHaveLength(32);
  expect(computeKey(item({ messages: [], temperature: 0 }))).toEqual(key);
  expect(computeKey(item({ messages: [], temperature: 0 }, "spark/max"))).not.toEqual(key);
});
