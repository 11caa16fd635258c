import fc from "fast-check";
import { expect, test } from "vitest";
import { estimateTokens } from "#src/producer/input/chunking/estimate-tokens.ts";
import { splitByCharacters } from "#src/producer/input/chunking/hard-split.ts";

test("parts put together are the text, whole in their characters and within the limit", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.integer({ min: 1, max: 8 }), (text, limit) => {
      const parts = splitByCharacters(text, limit);
      expect(parts.join("")).toBe(text);
      for (const part of parts) {
        expect(part.isWellFormed()).toBe(true);
        if ([...part].length > 1) expect(estimateTokens(part)).toBeLessThanOrEqual(limit);
      }
    }),
  );
});

const clusters = ["👩‍👩‍👧‍👦", "🇫🇷", "👍🏽", "é", "e\u0301", "नि", "한", "ก็", "a", " ", "漢"];

test("no character as readers see it is split, unless it alone exceeds the limit", () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...clusters), { maxLength: 40 }),
      fc.integer({ min: 24, max: 60 }),
      (parts, limit) => {
        const text = parts.join("");
        const whole = new Set(Array.from(segment(text), ({ index }) => index));
        let at = 0;
        for (const part of splitByCharacters(text, limit)) {
          expect(whole.has(at) || at === text.length).toBe(true);
          at += part.length;
        }
      },
    ),
  );
});

function segment(text: string): Iterable<{ readonly index: number }> {
  return new Intl.Segmenter("und", { granularity: "grapheme" }).segment(text);
}
