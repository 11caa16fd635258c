import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AttemptLimit } from "../../../../src/dashboard/door/attempt-limit.ts";

const limits = { windowMs: 1_000, perAddress: 3, altogether: 5 };

const take = (limit: AttemptLimit, address: string) => limit.take(address).waitMs;

describe("attempts to sign in", () => {
  it("are limited per address, and altogether", () => {
    const limit = new AttemptLimit(limits, () => 0);
    expect([take(limit, "a"), take(limit, "a"), take(limit, "a")]).toEqual([0, 0, 0]);
    expect(take(limit, "a")).toBe(1_000);
    expect([take(limit, "b"), take(limit, "b")]).toEqual([0, 0]);
    expect(take(limit, "c")).toBe(1_000);
  });

  it("are free again when the window has passed, and told so exactly", () => {
    let now = 0;
    const limit = new AttemptLimit(limits, () => now);
    for (const at of [0, 100, 200]) {
      now = at;
      limit.take("a");
    }
    expect(take(limit, "a")).toBe(800);
    now = 1_000;
    expect(take(limit, "a")).toBe(0);
    expect(take(limit, "a")).toBe(100);
  });

  it("that were right do not count, and clear no other of the same address", () => {
    const limit = new AttemptLimit(limits, () => 0);
    limit.take("a");
    limit.take("a");
    for (let i = 0; i < 5; i++) limit.take("a").takeBack();
    expect(take(limit, "a")).toBe(0);
    expect(take(limit, "a")).toBe(1_000);
  });

  it("never let more than allowed through within any window, whatever comes when", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ wait: fc.nat(400), address: fc.constantFrom("a", "b", "c") }), {
          maxLength: 60,
        }),
        (tries) => {
          let now = 0;
          const limit = new AttemptLimit(limits, () => now);
          const passed: { at: number; address: string }[] = [];
          for (const { wait, address } of tries) {
            now += wait;
            if (take(limit, address) === 0) passed.push({ at: now, address });
          }
          for (const { at } of passed) {
            const within = passed.filter((one) => one.at >= at && one.at < at + limits.windowMs);
            expect(within.length).toBeLessThanOrEqual(limits.altogether);
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
