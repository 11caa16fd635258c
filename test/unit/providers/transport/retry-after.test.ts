import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseRetryAfter } from "#src/providers/transport/retry-after.ts";

const NOW = Date.UTC(2026, 10, 21, 12, 0, 0);
const DAY_MS = 86_400_000;

describe("parseRetryAfter", () => {
  it.each([
    [{ "retry-after": "7" }, 7000],
    [{ "retry-after": " 1.5 " }, 1500],
    [{ "retry-after": ["3", "9"] }, 3000],
    [{ "retry-after": new Date(NOW + 30_000).toUTCString() }, 30_000],
    [{ "retry-after-ms": "250" }, 250],
    [{ "retry-after-ms": "250", "retry-after": "9" }, 250],
    [{ "retry-after-ms": "soon", "retry-after": "9" }, 9000],
    [{ "retry-after": "999999999" }, DAY_MS],
  ])("reads %j as %d ms", (headers, ms) => {
    expect(parseRetryAfter(headers, NOW)).toBe(ms);
  });

  it.each([
    [{}],
    [{ "retry-after": "" }],
    [{ "retry-after": "0" }],
    [{ "retry-after": "-1" }],
    [{ "retry-after": "NaN" }],
    [{ "retry-after": "later" }],
    [{ "retry-after": "1e3" }],
    [{ "retry-after": new Date(NOW - 30_000).toUTCString() }],
    [{ "retry-after": [] }],
  ])("returns undefined for %j", (headers) => {
    expect(parseRetryAfter(headers, NOW)).toBeUndefined();
  });

  it("is never negative, never NaN and at most one day for any header", () => {
    const value = fc.oneof(
      fc.string(),
      fc.double().map(String),
      fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
    );
    fc.assert(
      fc.property(value, value, (seconds, ms) => {
        const wait = parseRetryAfter({ "retry-after": seconds, "retry-after-ms": ms }, NOW);
        if (wait === undefined) return;
        expect(Number.isInteger(wait)).toBe(true);
        expect(wait).toBeGreaterThan(0);
        expect(wait).toBeLessThanOrEqual(DAY_MS);
      }),
      { numRuns: 2000 },
    );
  });

  it("reads a date and the equivalent number of seconds as the same delay", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 80_000 }), (seconds) => {
        const date = new Date(NOW + seconds * 1000).toUTCString();
        expect(parseRetryAfter({ "retry-after": date }, NOW)).toBe(
          parseRetryAfter({ "retry-after": String(seconds) }, NOW),
        );
      }),
    );
  });
});
