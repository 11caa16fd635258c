import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SignInLimiter } from "#src/dashboard/auth/sign-in-limiter.ts";

const limits = { windowMs: 1_000, perAccount: 3, perAddress: 4, total: 5 };

const attempt = (limit: SignInLimiter, address: string, account = "") => limit.countAttempt({ address, account });
const countAttempt = (limit: SignInLimiter, address: string, account = "") =>
  attempt(limit, address, account).retryAfterMs;

describe("attempts to sign in", () => {
  it("are limited per address and in total", () => {
    const limit = new SignInLimiter(limits, () => 0);
    expect([countAttempt(limit, "a"), countAttempt(limit, "a"), countAttempt(limit, "a")]).toEqual([0, 0, 0]);
    expect(countAttempt(limit, "a")).toBe(1_000);
    expect([countAttempt(limit, "b"), countAttempt(limit, "b")]).toEqual([0, 0]);
    expect(countAttempt(limit, "c")).toBe(1_000);
  });

  it("of one account do not block another account of the same address, nor the account at another address", () => {
    const limit = new SignInLimiter(limits, () => 0);
    for (let i = 0; i < 3; i++) countAttempt(limit, "a", "ada");
    expect(countAttempt(limit, "a", " ADA ")).toBe(1_000);
    expect(countAttempt(limit, "a", "bob")).toBe(0);
    expect(countAttempt(limit, "b", "ada")).toBe(0);
  });

  it("with a new name each time are limited per address", () => {
    const limit = new SignInLimiter(limits, () => 0);
    for (let i = 0; i < 4; i++) expect(countAttempt(limit, "a", `name ${i}`)).toBe(0);
    expect(countAttempt(limit, "a", "another")).toBe(1_000);
  });

  it("are allowed again after the window, at exactly the reported time", () => {
    let now = 0;
    const limit = new SignInLimiter(limits, () => now);
    for (const at of [0, 100, 200]) {
      now = at;
      attempt(limit, "a");
    }
    expect(countAttempt(limit, "a")).toBe(800);
    now = 1_000;
    expect(countAttempt(limit, "a")).toBe(0);
    expect(countAttempt(limit, "a")).toBe(100);
  });

  it("that succeeded do not count, and do not clear others of the same address", () => {
    const limit = new SignInLimiter(limits, () => 0);
    attempt(limit, "a");
    attempt(limit, "a");
    for (let i = 0; i < 5; i++) attempt(limit, "a").refund();
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
