import fc from "fast-check";
import { expect, test } from "vitest";
import { parseByteRange } from "#src/api/http/byte-range.ts";

test.each([
  [undefined, undefined],
  ["bytes=0-4", { start: 0, end: 4 }],
  ["bytes=5-", { start: 5, end: 9 }],
  ["bytes=-3", { start: 7, end: 9 }],
  ["bytes=-30", { start: 0, end: 9 }],
  ["bytes=8-100", { start: 8, end: 9 }],
  ["bytes=10-", "unsatisfiable"],
  ["bytes=5-4", "unsatisfiable"],
  ["bytes=-0", "unsatisfiable"],
  ["bytes=0-1,3-4", undefined],
  ["items=0-1", undefined],
  ["bytes=-", undefined],
])("%s of ten bytes", (header, range) => {
  expect(parseByteRange(header, 10)).toEqual(range);
});

test("a range is never outside the body", () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(), fc.nat(), fc.nat({ max: 1_000 }), (text, first, last, size) => {
      for (const header of [text, `bytes=${first}-${last}`, `bytes=${first}-`, `bytes=-${last}`]) {
        const range = parseByteRange(header, size);
        if (range === undefined || range === "unsatisfiable") continue;
        expect(range.start).toBeGreaterThanOrEqual(0);
        expect(range.start).toBeLessThanOrEqual(range.end);
        expect(range.end).toBeLessThan(size);
      }
    }),
  );
});
