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
