import fc from "fast-check";
import { expect, test } from "vitest";
import { createScorerRegistry } from "#src/evaluation/scorers/registry.ts";
import { createSample } from "#test/support/evaluation/create-sample.ts";

const registry = createScorerRegistry();
const PURE = [
  "exact",
  "match",
  "includes",
  "answer",
  "choice",
  "numeric",
  "math",
  "f1",
  "levenshtein",
  "bleu",
  "rouge",
  "chrf",
];

/** Pieces of answers, so that random texts reach the code that reads them. */
const piece = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 8 }),
  fc.string({ unit: "binary", maxLength: 8 }),
  fc.constantFrom(
    ...[
      "The answer is ",
      "Answer:",
      "答案是",
      "选",
      "\\boxed{",
      "\\frac",
      "\\frac{1}{",
      "}",
      "{",
      "####",
      "**",
      "$",
      "\n",
      " ",
    ],
    ...[
      "<think>",
      "</think>",
      "12",
      "-",
      "1,234",
      ".",
      "/",
      "%",
      "^",
      "×10^",
      "三百",
      "分之",
      "A",
      "(B)",
      " or ",
      "½",
      "=",
      "±",
      "√(",
    ],
  ),
);
const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""));

test.each(PURE)("%s gives a score in its range, or none, for every text", async (type) => {
  const { scorer } = registry.create("s", type, {});
  await fc.assert(
    fc.asyncProperty(text, text, async (answer, target) => {
      const score = await scorer?.score(createSample(answer, [target]));
      if (score?.status !== "scored") {
        expect(score?.explanation).toBeTruthy();
        return;
      }
      if (scorer?.range === "binary") expect([0, 1]).toContain(score.value);
      expect(score.value).toBeGreaterThanOrEqual(0);
      expect(score.value).toBeLessThanOrEqual(1);
    }),
  );
});

test.each(["exact", "f1", "levenshtein", "rouge"])("%s is symmetric", async (type) => {
  const { scorer } = registry.create("s", type, {});
  const words = fc
    .array(fc.constantFrom("cat", "dog", "Paris", "今", "天", "5"), { minLength: 1, maxLength: 6 })
    .map((all) => all.join(" "));
  await fc.assert(
    fc.asyncProperty(words, words, async (a, b) => {
      const [there, back] = [await scorer?.score(createSample(a, [b])), await scorer?.score(createSample(b, [a]))];
      const value = there?.status === "scored" ? there.value : Number.NaN;
      expect(back?.status === "scored" ? back.value : undefined).toBeCloseTo(value, 12);
    }),
  );
});

test.each(["exact", "f1", "levenshtein", "bleu", "rouge", "chrf", "includes", "match"])(
  "%s gives 1 for a target itself",
  async (type) => {
    const { scorer } = registry.create("s", type, {});
    const words = fc.array(fc.constantFrom("cat", "dog", "Paris", "today", "five"), { minLength: 1, maxLength: 9 });
    await fc.assert(
      fc.asyncProperty(words, async (all) => {
        expect(await scorer?.score(createSample(all.join(" "), ["other", all.join(" ")]))).toMatchObject({ value: 1 });
      }),
    );
  },
);

test("numeric reads every number back, in several notations", async () => {
  const { scorer } = registry.create("s", "numeric", {});
  const number = fc.oneof(
    fc.integer({ min: -1e9, max: 1e9 }),
    fc.double({ min: -1e6, max: 1e6, noNaN: true, noDefaultInfinity: true }).map((value) => Number(value.toFixed(4))),
  );
  await fc.assert(
    fc.asyncProperty(number, async (value) => {
      const notations = [
        `${value}`,
        value.toLocaleString("en-US", { maximumFractionDigits: 4 }),
        `The answer is ${value}.`,
        `答案是${value}。`,
        `\\boxed{${value}}`,
        `#### ${value}`,
        `${value}`.replaceAll("-", "−"),
        `${value}`.replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit))),
      ];
      for (const notation of notations)
        expect(await scorer?.score(createSample(notation, [String(value)])), notation).toMatchObject({ value: 1 });
    }),
  );
});
