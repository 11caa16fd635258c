import { expect, test } from "vitest";
import { ProviderError } from "#src/core/failures/errors.ts";
import { findLimitWindow, readRefusedLimit } from "#src/core/failures/refused-limit.ts";

test.each([
  ["Rate limit reached on requests per day (RPD): Limit 200, Used 200. Please try again in 7m12s.", "day"],
  ["Request was throttled. Daily quota exceeded", "day"],
  ["QPS limit exceeded", "second"],
  ["Too many calls per second, see https://example.com", "second"],
  ["Limit 3 / min. RPM reached", "minute"],
  ["GenerateRequestsPerDayPerProjectPerModel-FreeTier", "day"],
  ["requests per hour exceeded", "hour"],
  ["The limits are 60 RPM and 1000 RPD", undefined],
  ["see https://example.com/limits", undefined],
  ["Too many requests. Try again in 20 seconds.", undefined],
])("%s names %s", (text, window) => {
  expect(findLimitWindow(text)).toBe(window);
});

test("the words of the provider say more than the class of the code", () => {
  const error = new ProviderError("too many requests per minute", {
    ...{ kind: "throttled", provider: "p", dimension: "tokens", providerMessage: "tokens per day (TPD) used up" },
  });
  expect(readRefusedLimit(error)).toEqual({ dimension: "tokens", window: "day" });
});
