import { expect, it, test } from "vitest";
import { formatReset, writeLimitHeaders } from "#src/api/access/limit-headers.ts";

it.each([
  [0, "0s"],
  [1, "1ms"],
  [999.2, "1s"],
  [1_000, "1s"],
  [7_661, "7.67s"],
  [59_999, "1m0s"],
  [60_000, "1m0s"],
  [61_500, "1m1.5s"],
])("%d ms is written as %s", (ms, text) => expect(formatReset(ms)).toBe(text));

test("a limit that a key does not have has no headers", () => {
  expect(writeLimitHeaders({ requests: undefined, tokens: { limit: 10, remaining: 3, resetMs: 500 } })).toEqual({
    ...{ "x-ratelimit-limit-tokens": "10", "x-ratelimit-remaining-tokens": "3", "x-ratelimit-reset-tokens": "500ms" },
  });
});
