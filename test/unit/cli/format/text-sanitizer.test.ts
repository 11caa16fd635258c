import fc from "fast-check";
import { expect, test } from "vitest";
import { createTextSanitizer } from "#src/cli/format/sanitize.ts";

function inPieces(pieces: readonly string[]): string {
  const sanitizer = createTextSanitizer();
  return pieces.map((piece) => sanitizer.push(piece)).join("") + sanitizer.end();
}

test("keeps line feeds and tabs, removes escape sequences and control characters", () => {
  expect(inPieces(["a\tb\r\nc\u001b[31mred\u001b[0m\u0007\u202e!\n"])).toBe("a\tb\ncred!\n");
});

test("handles escape sequences, line breaks and characters that are split anywhere", () => {
  expect(inPieces(["a\u001b", "[3", "1mb"])).toBe("ab");
  expect(inPieces(["a\r", "\nb"])).toBe("a\nb");
  expect(inPieces(["\ud83d", "\ude42"])).toBe("🙂");
});

test("replaces an incomplete character at the end, and removes an incomplete escape sequence", () => {
  expect(inPieces(["a\ud83d"])).toBe("a\ufffd");
  expect(inPieces(["a\u001b"])).toBe("a");
});

test("passes harmless text unchanged, however it is split", () => {
  const harmless = fc.stringMatching(/^[\p{L}\p{N}\p{P}🙂🚀 \n\t]{0,60}$/u);
  fc.assert(
    fc.property(harmless, fc.array(fc.nat(60)), (text, cuts) => {
      const at = [0, ...[...cuts].sort((a, b) => a - b), text.length];
      expect(inPieces(at.slice(1).map((end, i) => text.slice(at[i], end)))).toBe(text);
    }),
  );
});

test("never outputs a control character, whatever the pieces", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary" })), (pieces) => {
      expect(inPieces(pieces)).not.toMatch(/(?![\n\t])\p{Cc}/u);
    }),
  );
});
