import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createTextSanitizer, sanitize } from "#src/cli/format/sanitize.ts";

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

function inPieces(pieces: readonly string[]): string {
  const sanitizer = createTextSanitizer();
  return pieces.map((piece) => sanitizer.push(piece)).join("") + sanitizer.end();
}

describe("createTextSanitizer", () => {
  it("keeps line feeds and tabs, removes escape sequences and control characters", () => {
    expect(inPieces(["a\tb\r\nc\u001b[31mred\u001b[0m\u0007\u202e!\n"])).toBe("a\tb\ncred!\n");
  });

  it("handles escape sequences, line breaks and characters that are split anywhere", () => {
    expect(inPieces(["a\u001b", "[3", "1mb"])).toBe("ab");
    expect(inPieces(["a\r", "\nb"])).toBe("a\nb");
    expect(inPieces(["\ud83d", "\ude42"])).toBe("🙂");
  });

  it("replaces an incomplete character at the end, and removes an incomplete escape sequence", () => {
    expect(inPieces(["a\ud83d"])).toBe("a\ufffd");
    expect(inPieces(["a\u001b"])).toBe("a");
  });

  it("passes harmless text unchanged, however it is split", () => {
    const harmless = fc.stringMatching(/^[\p{L}\p{N}\p{P}🙂🚀 \n\t]{0,60}$/u);
    fc.assert(
      fc.property(harmless, fc.array(fc.nat(60)), (text, cuts) => {
        const at = [0, ...[...cuts].sort((a, b) => a - b), text.length];
        expect(inPieces(at.slice(1).map((end, i) => text.slice(at[i], end)))).toBe(text);
      }),
    );
  });

  it("never outputs a control character, whatever the pieces", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary" })), (pieces) => {
        expect(inPieces(pieces)).not.toMatch(/(?![\n\t])\p{Cc}/u);
      }),
    );
  });
});
