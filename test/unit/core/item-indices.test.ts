import fc from "fast-check";
import { expect, test } from "vitest";
import { formatIndices, indicesInclude, parseIndices } from "#src/core/item-indices.ts";

test("adjacent indices become ranges, in order and without duplicates", () => {
  expect(formatIndices([9, 3, 8, 7, 7, 40])).toBe("3,7-9,40");
  expect(parseIndices("3,7-9,40")).toEqual([3, 7, 8, 9, 40]);
  expect(parseIndices("")).toEqual([]);
});

test("parsing returns what was formatted, up to 64 ranges", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(120), { maxLength: 60 }), fc.nat(130), (indices, other) => {
      const text = formatIndices(indices);
      expect(parseIndices(text)).toEqual([...indices].sort((a, b) => a - b));
      expect(indicesInclude(text, other)).toBe(indices.includes(other));
    }),
  );
});

test("a list without adjacent indices stays short", () => {
  const text = formatIndices(Array.from({ length: 5_000 }, (_, i) => i * 7_919));
  expect(text.split(",")).toHaveLength(64);
});
