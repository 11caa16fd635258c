import { expect, test } from "vitest";
import { createScorerRegistry } from "#src/evaluation/scorers/registry.ts";
import { createSample } from "#test/support/evaluation/create-sample.ts";

const registry = createScorerRegistry();

test("an unknown type is reported with the nearest names", () => {
  expect(registry.create("s", "exakt", {}).problems).toEqual([
    { path: ["type"], message: 'unknown scorer "exakt"; did you mean "exact"?' },
  ]);
});

test("all problems of options are reported with their paths", () => {
  expect(registry.create("s", "exact", { ignorecase: true, simplify: "yes", reasoning: 1 }).problems).toEqual([
    { path: ["simplify"], message: "expected true or false" },
    { path: ["ignorecase"], message: 'unknown option; did you mean "ignoreCase"?' },
    { path: ["reasoning"], message: "expected true or false" },
  ]);
});

test("options that are no mapping are a problem", () => {
  expect(registry.create("s", "exact", ["x"]).problems).toHaveLength(1);
});

test("every type has a summary, and every option a description", () => {
  for (const { type, summary, options } of registry.types) {
    expect(summary, type).toMatch(/^[A-Z].*\.$/);
    for (const option of options) expect(option.description, `${type}.${option.name}`).not.toBe("");
  }
});

test("exact compares with every target after normalizing forms and white space", async () => {
  const { scorer } = registry.create("s", "exact", {});
  expect(await scorer?.score(createSample(" Ｐａｒｉｓ\n", ["Rome", "Paris"]))).toEqual({
    status: "scored",
    value: 1,
    answer: "Paris",
  });
  expect(await scorer?.score(createSample("paris", ["Paris"]))).toMatchObject({ value: 0 });
  expect(await scorer?.score(createSample("x", []))).toMatchObject({ status: "error" });
});

test("reasoning is scored only on request", async () => {
  const text = "<think>Rome?</think>Paris";
  const score = async (options: unknown) =>
    await registry.create("s", "exact", options).scorer?.score(createSample(text, ["Paris"]));
  expect(await score({})).toMatchObject({ value: 1 });
  expect(await score({ reasoning: true })).toMatchObject({ value: 0 });
});

test("an answer that was cut off while reasoning is unparseable", async () => {
  const { scorer } = registry.create("s", "exact", {});
  expect(await scorer?.score(createSample("<think>Paris", ["Paris"]))).toMatchObject({ status: "unparseable" });
});
