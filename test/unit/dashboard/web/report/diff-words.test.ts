import fc from "fast-check";
import { expect, test } from "vitest";
import { diffWords } from "#src/dashboard/web/report/diff-words.ts";

const mark = (text: string, reference: string) =>
  diffWords(text, reference)
    .map((part) => (part.isDifferent ? `[${part.text}]` : part.text))
    .join("");

test.each([
  ["the total is 42.", "the total is 41.", "the total is [42]."],
  ["equal", "equal", "equal"],
  ["", "a", ""],
  ["a b", "", "[a b]"],
  ["one two three", "one three", "one [two ]three"],
  ["还剩三个苹果", "还剩两个苹果", "还剩[三]个苹果"],
  ["a b c d e", "a x c y e", "a [b] c [d] e"],
])("%j compared with %j", (text, reference, expected) => {
  expect(mark(text, reference)).toBe(expected);
});

test("the parts are the text, and what is not different occurs in the reference in this order", () => {
  const text = fc
    .array(fc.constantFrom("a", "b", " ", "中", "文", ".", "\n", "cd "), { maxLength: 60 })
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(text, text, (own, reference) => {
      const parts = diffWords(own, reference);
      expect(parts.map((part) => part.text).join("")).toBe(own);
      let at = 0;
      for (const character of parts.flatMap((part) => (part.isDifferent ? [] : [...part.text]))) {
        const found = reference.indexOf(character, at);
        expect(found).toBeGreaterThanOrEqual(0);
        at = found + 1;
      }
    }),
  );
});

test("texts without anything in common are different as a whole, also long ones", () => {
  const own = Array.from({ length: 3_000 }, (_, i) => `a${i}`).join(" ");
  const reference = Array.from({ length: 3_000 }, (_, i) => `b${i}`).join("-");
  expect(diffWords(own, reference)).toEqual([{ text: own, isDifferent: true }]);
});
