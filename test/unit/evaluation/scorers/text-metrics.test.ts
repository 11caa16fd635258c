import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as z from "zod";
import { createScorerRegistry } from "#src/evaluation/scorers/registry.ts";
import { countEdits } from "#src/evaluation/scorers/text/levenshtein.ts";
import { createSample } from "#test/support/evaluation/create-sample.ts";

// scripts/reference-text-metrics.py made the values with sacrebleu, rouge-score, python-Levenshtein, and SQuAD's formula.
const cases = z
  .array(z.object({ answer: z.string(), targets: z.array(z.string()), values: z.record(z.string(), z.number()) }))
  .parse(JSON.parse(readFileSync("test/fixtures/evaluation/text-metrics.json", "utf8")));

const METRICS: readonly (readonly [value: string, type: string, options: object])[] = [
  ["bleu-13a", "bleu", { tokenizer: "13a" }],
  ["bleu-zh", "bleu", { tokenizer: "zh" }],
  ["bleu-char", "bleu", { tokenizer: "char" }],
  ["bleu-none", "bleu", { tokenizer: "none" }],
  ["chrf", "chrf", {}],
  ["chrf++", "chrf", { words: 2 }],
  ["rouge1", "rouge", { variant: "1" }],
  ["rouge2", "rouge", { variant: "2" }],
  ["rougeL", "rouge", {}],
  ["f1", "f1", {}],
];

test.each(METRICS)("%s equals the reference", async (name, type, options) => {
  const { scorer } = createScorerRegistry().create(name, type, options);
  let compared = 0;
  for (const { answer, targets, values } of cases) {
    const expected = values[name];
    // An empty answer is unparseable, not scored.
    if (expected === undefined || answer.trim() === "") continue;
    const score = await scorer?.score(createSample(answer, targets));
    expect(score, answer).toMatchObject({ status: "scored" });
    expect(score?.status === "scored" && score.value, `${answer} | ${targets.join(" | ")}`).toBeCloseTo(expected, 9);
    compared += 1;
  }
  expect(compared).toBeGreaterThan(40);
});

test("the edit distance equals the reference", () => {
  for (const { answer, targets, values } of cases)
    expect(Math.min(...targets.map((target) => countEdits([...answer], [...target]))), answer).toBe(values["edits"]);
});

test("levenshtein scores the share of the longer text that is equal", async () => {
  const score = async (options: object) =>
    await createScorerRegistry()
      .create("s", "levenshtein", options)
      .scorer?.score(createSample("kitten", ["sitting"]));
  expect(await score({})).toMatchObject({ value: 1 - 3 / 7 });
  expect(await score({ maxEdits: 3 })).toMatchObject({ value: 1 });
  expect(await score({ maxEdits: 2 })).toMatchObject({ value: 0 });
  expect(await score({ threshold: 0.5 })).toMatchObject({ value: 1, explanation: "similarity 0.571" });
});

test("rouge and f1 treat each Chinese character as a word", async () => {
  for (const type of ["rouge", "f1"]) {
    const { scorer } = createScorerRegistry().create("s", type, {});
    const score = await scorer?.score(createSample("今天天气好", ["今天天气很好"]));
    expect(score).toMatchObject({ value: 10 / 11 });
  }
});
