import fc from "fast-check";
import { estimateTokenCount } from "tokenx";
import { describe, expect, test } from "vitest";
import { countCommonTokens } from "#src/producer/input/chunking/scan-tokens.ts";

/** Pieces that meet in every way the rules look at: words, numbers, spaces, marks, Chinese, and their neighbours. */
const pieces = fc.oneof(
  fc.constantFrom(..." \n\t\r.,-_'\"#`aZ07长，。“”’…—\v\u0000"),
  fc.constantFrom("word", "Word", "underneath", "HTTP", "1234", "2026", "\n\n", "\n  ", "...", "-------", "->"),
  fc.constantFrom("白日依山尽", "黄河入海流。", "（注）", "，，", "ab长c", "don’t", "《诗》"),
  fc.string({ unit: "grapheme-ascii", maxLength: 12 }),
  fc.integer({ min: 0x4e00, max: 0x9fff }).map((code) => String.fromCharCode(code)),
);
const texts = fc.array(pieces, { maxLength: 24 }).map((parts) => parts.join(""));

describe("the tokens of a text, by one look at its characters", () => {
  test("are those that the library estimates", () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(countCommonTokens(text)).toBe(estimateTokenCount(text));
      }),
      { numRuns: 3_000 },
    );
  });

  test.each(["naïve", "a\u00a0b", "かな", "한국어", "🙂", "長\ud83d", "\u3000", "привет", "αβγ", "长\u200b"])(
    "are left to the library for %j",
    (text) => {
      expect(countCommonTokens(text)).toBeUndefined();
      expect(countCommonTokens(`plain ${text} 长。`)).toBeUndefined();
    },
  );

  test("are the library's or nobody's for any string at all", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 40 }), texts, (strange, plain) => {
        const text = plain + strange;
        const tokens = countCommonTokens(text);
        if (tokens !== undefined) expect(tokens).toBe(estimateTokenCount(text));
      }),
      { numRuns: 1_000 },
    );
  });
});
