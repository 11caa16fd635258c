import fc from "fast-check";
import { expect, test } from "vitest";
import { parseLimitReset, parseRateLimits } from "#src/providers/transport/rate-limit-headers.ts";
import { parseRetryAfter } from "#src/providers/transport/retry-after.ts";

const NOW = Date.UTC(2026, 10, 21, 12, 0, 0);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const openai = (dimension: string, limit: string, remaining: string, reset: string) => ({
  [`x-ratelimit-limit-${dimension}`]: limit,
  [`x-ratelimit-remaining-${dimension}`]: remaining,
  [`x-ratelimit-reset-${dimension}`]: reset,
});
const anthropic = (counted: string, limit: string, remaining: string, reset: string) => ({
  [`anthropic-ratelimit-${counted}-limit`]: limit,
  [`anthropic-ratelimit-${counted}-remaining`]: remaining,
  [`anthropic-ratelimit-${counted}-reset`]: reset,
});

test.each([
  ["a limit that refills gradually", openai("requests", "500", "499", "120ms"), 120, false, true],
  ["a gradual limit per day", openai("requests", "14400", "14370", "2m59.56s"), 179_560, true, true],
  ["a limit with whole seconds", openai("requests", "60", "0", "60"), 60_000, false, true],
  ["a window with a fixed end", openai("requests", "60", "10", "59"), 59_000, false, false],
  ["the end of a day", openai("requests", "200", "3", "7h12m0s"), 7.2 * HOUR_MS, true, false],
])("reads %s", (_, headers, resetMs, isLong, isGradual) => {
  const [limit] = parseRateLimits(headers, NOW);
  expect(limit).toMatchObject({ dimension: "requests", resetMs, isLong, isGradual });
});

test.each([
  ["0s", 0],
  ["6m0s", 360_000],
  ["88ms", 88],
  ["1.5", 1_500],
  ["600000", 600_000],
  [new Date(NOW + 30_000).toISOString(), 30_000],
  [new Date(NOW + 30_000).toUTCString(), 30_000],
  [String(NOW + 30_000), 30_000],
  [String(NOW / 1_000 + 30), 30_000],
  [String(NOW - 30_000), 0],
  ["soon", undefined],
  ["-1", undefined],
])("reads the reset %s", (reset, ms) => {
  expect(parseRateLimits(openai("tokens", "1000", "999", reset), NOW)[0]?.resetMs).toBe(ms);
});

test("reads Anthropic's headers: the token limit in force, or else that of input tokens", () => {
  const reset = new Date(NOW + 2_000).toISOString();
  const headers = {
    ...anthropic("requests", "50", "49", reset),
    ...anthropic("input-tokens", "30000", "29000", reset),
    ...anthropic("output-tokens", "8000", "7000", reset),
  };
  expect(parseRateLimits(headers, NOW)).toMatchObject([
    { dimension: "requests", limit: 50, remaining: 49, resetMs: 2_000 },
    { dimension: "tokens", limit: 30_000, remaining: 29_000 },
  ]);
  const inForce = { ...headers, ...anthropic("tokens", "20000", "19000", reset) };
  expect(parseRateLimits(inForce, NOW)[1]).toMatchObject({ dimension: "tokens", limit: 20_000 });
});

test("headers without a dimension count only if they cannot be a limit per second", () => {
  const headers = (reset: string) => ({
    "x-ratelimit-limit": "50",
    "x-ratelimit-remaining": "0",
    "x-ratelimit-reset": reset,
  });
  expect(parseRateLimits(headers("1"), NOW)).toEqual([]);
  expect(parseRateLimits(headers(String(NOW + 6 * HOUR_MS)), NOW)).toMatchObject([
    { dimension: "requests", limit: 50, remaining: 0, resetMs: 6 * HOUR_MS, isLong: true, isGradual: false },
  ]);
});

test("a refusal waits for the reset of the limit that is used up", () => {
  expect(
    parseLimitReset({ ...openai("requests", "60", "3", "57s"), ...openai("tokens", "900", "0", "20s") }, NOW),
  ).toBe(20_000);
  // Azure sends only the reset.
  expect(parseRetryAfter({ "x-ratelimit-reset-tokens": "26" }, NOW)).toBe(26_000);
  expect(parseRetryAfter({ ...openai("requests", "60", "0", "57s"), "retry-after": "3" }, NOW)).toBe(3_000);
});

test("whatever the headers are, counts are whole and waits are at most a day", () => {
  const value = fc.oneof(fc.string(), fc.double().map(String), fc.nat().map(String));
  fc.assert(
    fc.property(value, value, value, (limit, remaining, reset) => {
      for (const one of parseRateLimits(openai("requests", limit, remaining, reset), NOW)) {
        expect(one.limit).toBeGreaterThan(0);
        expect(Number.isSafeInteger(one.limit) && Number.isSafeInteger(one.remaining ?? 0)).toBe(true);
        expect(one.resetMs ?? 0).toBeGreaterThanOrEqual(0);
        expect(one.resetMs ?? 0).toBeLessThanOrEqual(DAY_MS);
      }
    }),
  );
});
