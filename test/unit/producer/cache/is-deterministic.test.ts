import { expect, test } from "vitest";
import { isDeterministic } from "#src/producer/cache/is-deterministic.ts";

const request = (more: object, content = "hello") => JSON.stringify({ messages: [{ role: "user", content }], ...more });

test("only a temperature of 0 or a seed makes equal requests have one answer", () => {
  expect(isDeterministic(request({ temperature: 0 }))).toBe(true);
  expect(isDeterministic(request({ temperature: 1, seed: 7 }))).toBe(true);
  expect(isDeterministic(request({ seed: 0 }))).toBe(true);
  expect(isDeterministic(request({}))).toBe(false);
  expect(isDeterministic(request({ temperature: 1 }))).toBe(false);
  expect(isDeterministic(request({ temperature: 0.5 }))).toBe(false);
});

test("what a message says about temperatures and seeds means nothing", () => {
  expect(isDeterministic(request({ temperature: 1 }, '{"temperature":0,"seed":1}'))).toBe(false);
  expect(isDeterministic(request({ extra: { temperature: 0 } }))).toBe(false);
});
