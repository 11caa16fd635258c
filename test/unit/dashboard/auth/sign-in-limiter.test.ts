import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SignInLimiter } from "#src/dashboard/auth/sign-in-limiter.ts";

const limits = { windowMs: 1_000, perAddress: 3, total: 5 };

const countAttempt = (limit: SignInLimiter, address: string) => limit.countAttempt(address).retryAfterMs;

describe("attempts to sign in", () => {
  it("are limited per address and in total", () => {
    const limit = new SignInLimiter(limits, () => 0);
    expect([countAttempt(limit, "a"), countAttempt(limit, "a"), countAttempt(limit, "a")]).toEqual([0, 0, 0]);
    expect(countAttempt(limit, "a")).toBe(1_000);
    expect([countAttempt(limit, "b"), countAttempt(limit, "b")]).toEqual([0, 0]);
    expect(countAttempt(limit, "c")).toBe(1_000);
  });

  it("are allowed again after the window, at exactly the reported time", () => {
    let now = 0;
    const limit = new SignInLimiter(limits, () => now);
    for (const at of [0, 100, 200]) {
      now = at;
      limit.countAttempt("a");
    }
    expect(countAttempt(limit, "a")).toBe(800);
    now = 1_000;
    expect(countAttempt(limit, "a")).toBe(0);
    expect(countAttempt(limit, "a")).toBe(100);
  });

  it("that succeeded do not count, and do not clear others of the same address", () => {
    const limit = new SignInLimiter(limits, () => 0);
    limit.countAttempt("a");
    limit.countAttempt("a");
    for (let i = 0; i < 5; i++) limit.countAttempt("a").refund();
    expect(countAttempt(limit, "a")).toBe(0);
    expect(countAttempt(limit, "a")).toBe(1_000);
  });

  it("never exceed the limits within any window, whatever the order", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ wait: fc.nat(400), address: fc.constantFrom("a", "b", "c") }), {
          maxLength: 60,
        }),
        (tries) => {
          let now = 0;
          const limit = new SignInLimiter(limits, () => now);
          const passed: { at: number; address: string }[] = [];
          for (const { wait, address } of tries) {
            now += wait;
            if (countAttempt(limit, address) === 0) passed.push({ at: now, address });
          }
          for (const { at } of passed) {
            const within = passed.filter((one) => one.at >= at && one.at < at + limits.windowMs);
            expect(within.length).toBeLessThanOrEqual(limits.total);
            for (const name of ["a", "b", "c"]) {
              const own = within.filter(({ address }) => address === name);
              expect(own.length).toBeLessThanOrEqual(limits.perAddress);
            }
          }
        },
      ),
    );
  });
});
