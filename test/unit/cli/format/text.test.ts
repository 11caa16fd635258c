import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatTable } from "#src/cli/format/format-table.ts";
import { sanitize } from "#src/cli/format/sanitize.ts";
import { pad, textWidth, truncate } from "#src/cli/format/text-width.ts";

const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme" }),
  fc.string({
    unit: fc.constantFrom("\u001b", "[", "]", "0", ";", "m", "\u0007", "\u009b", "汉", "a", "\u202e", "\n", "\ud800"),
  }),
);

describe("sanitize", () => {
  it.each([
    ["\u001b[31mred\u001b[0m", "red"],
    ["\u001b]0;title\u0007text", "text"],
    ["\u009b2Jcleared", "cleared"],
    ["a\u202eb\u2066c\u200fd", "abcd"],
    ["two\r\nlines\tand\u2028more", "two lines and more"],
    ["bell\u0007 null\u0000", "bell null"],
    ["汉字 👩‍🚀 é", "汉字 👩‍🚀 é"],
    ["lone \ud800", "lone \ufffd"],
  ])("turns %j into %j", (text, safe) => expect(sanitize(text)).toBe(safe));

  it("removes everything that a terminal interprets, and is idempotent", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const safe = sanitize(text);
        expect(safe).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u);
        expect(sanitize(safe)).toBe(safe);
      }),
    );
  });
});

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

describe("a table", () => {
  const columns = [{ title: "run" }, { title: "items", align: "right" }, { title: "source", maxWidth: 8 }] as const;

  it("aligns words on the left and numbers on the right, in any script", () => {
    const table = formatTable(columns, [
      ["r1", "1,234", "docs"],
      ["汉字", "5", "a long folder name"],
    ]);
    expect(`\n${table}\n`).toBe(`
run   items  source
r1    1,234  docs
汉字      5  a long…
`);
  });

  it("truncates lines to the width of the terminal and sanitizes cells", () => {
    expect(formatTable([{ title: "id" }], [["\u001b[2Jlong identifier"]], { width: 6 })).toBe("id\nlong…");
  });

  it("prints only the headings if there are no rows", () => {
    expect(formatTable(columns, [])).toBe("run  items  source");
  });
});
