import fc from "fast-check";
import { expect, test } from "vitest";
import { createTextSanitizer } from "#src/cli/format/sanitize.ts";

function inPieces(pieces: readonly string[]): string {
  const sanitizer = createTextSanitizer();
  return pieces.map((piece) => sanitizer.push(piece)).join("") + sanitizer.end();
}

test("lines and tabs stay, escape sequences and control characters go", () => {
  expect(inPieces(["a\tb\r\nc\u001b[31mred\u001b[0m\u0007\u202e!\n"])).toBe("a\tb\ncred!\n");
});

test("an escape sequence, a line break and a character may be cut anywhere", () => {
  expect(inPieces(["a\u001b", "[3", "1mb"])).toBe("ab");
  expect(inPieces(["a\r", "\nb"])).toBe("a\nb");
  expect(inPieces(["\ud83d", "\ude42"])).toBe("🙂");
});

test("half a character at the very end is replaced, and half a sequence gone", () => {
  expect(inPieces(["a\ud83d"])).toBe("a\ufffd");
  expect(inPieces(["a\u001b"])).toBe("a");
});

test("harmless text passes whole, however it is cut", () => {
  const harmless = fc.stringMatching(/^[\p{L}\p{N}\p{P}🙂🚀 \n\t]{0,60}$/u);
  fc.assert(
    fc.property(harmless, fc.array(fc.nat(60)), (text, cuts) => {
      const at = [0, ...[...cuts].sort((a, b) => a - b), text.length];
      expect(inPieces(at.slice(1).map((end, i) => text.slice(at[i], end)))).toBe(text);
    }),
  );
});

test("nothing a piece brings lets a control character through", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary" })), (pieces) => {
      expect(inPieces(pieces)).not.toMatch(/(?![\n\t])\p{Cc}/u);
    }),
  );
});
