import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sanitize } from "#src/cli/format/sanitize.ts";
import { pad, textWidth, truncate } from "#src/cli/format/text-width.ts";

const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme" }),
  fc.string({
    unit: fc.constantFrom("\u001b", "[", "]", "0", ";", "m", "\u0007", "\u009b", "汉", "a", "\u202e", "\n", "\ud800"),
  }),
);

describe("width", () => {
  it.each([
    ["abc", 3],
    ["汉字", 4],
    ["ｶﾀｶﾅ", 4],
    ["カタカナ", 8],
    ["한국어", 6],
    ["é", 1],
    ["e\u0301", 1],
    ["👩‍🚀", 2],
    ["（全角）", 8],
    ["a\u200db", 2],
    ["", 0],
  ])("of %j is %i columns", (text, columns) => expect(textWidth(text)).toBe(columns));

  it("is exact after truncating and padding", () => {
    fc.assert(
      fc.property(anyText.map(sanitize), fc.nat({ max: 30 }), (text, columns) => {
        expect(textWidth(truncate(text, columns))).toBeLessThanOrEqual(columns);
        expect(textWidth(pad(text, columns))).toBe(Math.max(columns, textWidth(text)));
      }),
    );
  });

  it("truncates between characters and appends an ellipsis", () => {
    expect(truncate("汉字汉字", 6)).toBe("汉字…");
    expect(truncate("汉字汉字", 5)).toBe("汉字…");
    expect(truncate("a word", 3)).toBe("a…");
    expect(truncate("fits", 4)).toBe("fits");
    expect(truncate("fits not", 0)).toBe("");
  });
});
