import fc from "fast-check";
import { expect, test } from "vitest";
import { distributeTokens } from "#src/workers/dispatch/embedding-input.ts";

const inputs = fc.array(fc.record({ tokens: fc.nat({ max: 5_000 }) }), { minLength: 1, maxLength: 30 });

test("the shares of a call's tokens add up to what was reported, none is negative, none off by more than one", () => {
  fc.assert(
    fc.property(inputs, fc.nat({ max: 1_000_000 }), (batch, total) => {
      const shares = distributeTokens(batch, total);
      const sum = batch.reduce((all, { tokens }) => all + tokens, 0);
      expect(shares).toHaveLength(batch.length);
      expect(shares.reduce((all, share) => all + share, 0)).toBe(total);
      shares.forEach((share, i) => {
        const exact = sum === 0 ? total / batch.length : (total * (batch[i]?.tokens ?? 0)) / sum;
        expect(share).toBeGreaterThanOrEqual(0);
        expect(Math.abs(share - exact)).toBeLessThanOrEqual(1);
      });
    }),
  );
});

test("without reported tokens the estimates are kept", () => {
  expect(distributeTokens([{ tokens: 3 }, { tokens: 0 }], undefined)).toEqual([3, 0]);
});
