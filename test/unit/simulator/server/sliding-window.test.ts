import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SimulatedAccount } from "#src/simulator/server/account.ts";
import { SlidingWindow } from "#src/simulator/server/sliding-window.ts";

const WINDOW_MS = 100;
const NONE = {
  requestsPerWindow: null,
  tokensPerWindow: null,
  concurrency: null,
  requestsPerSecond: null,
  windowMs: WINDOW_MS,
};

const spendings = fc.array(fc.record({ after: fc.integer({ min: 0, max: 60 }), amount: fc.nat({ max: 20 }) }), {
  maxLength: 200,
});

describe("SlidingWindow", () => {
  it("equals a plain sum over the last window at every moment, and keeps the maximum", () => {
    fc.assert(
      fc.property(spendings, (steps) => {
        const window = new SlidingWindow();
        const spent: { at: number; amount: number }[] = [];
        let now = 0;
        let greatest = 0;
        for (const { after, amount } of steps) {
          now += after;
          window.spend(now, WINDOW_MS, amount);
          spent.push({ at: now, amount });
          const sum = spent.filter(({ at }) => now - at < WINDOW_MS).reduce((total, each) => total + each.amount, 0);
          greatest = Math.max(greatest, sum);
          expect(window.sumAt(now, WINDOW_MS)).toBe(sum);
        }
        expect(window.max).toBe(greatest);
      }),
    );
  });

  it("counts an amount until just before one window later", () => {
    const window = new SlidingWindow();
    window.spend(0, WINDOW_MS, 1);
    expect(window.sumAt(99.9, WINDOW_MS)).toBe(1);
    expect(window.sumAt(100, WINDOW_MS)).toBe(0);
  });

  it("stays correct over many thousand amounts", () => {
    const window = new SlidingWindow();
    for (let now = 0; now < 20_000; now++) window.spend(now, WINDOW_MS, 1);
    expect(window.sumAt(19_999, WINDOW_MS)).toBe(100);
    expect(window.max).toBe(100);
  });
});

describe("Account", () => {
  it("never admits more than any limit, and does not count rejected calls", () => {
    const limits = {
      requestsPerWindow: 5,
      tokensPerWindow: 60,
      concurrency: 3,
      requestsPerSecond: null,
      windowMs: WINDOW_MS,
    };
    fc.assert(
      fc.property(spendings, fc.infiniteStream(fc.boolean()), (steps, finishes) => {
        const account = new SimulatedAccount();
        let now = 0;
        for (const { after, amount } of steps) {
          now += after;
          const before = account.maxima().requestsInWindow;
          const rejected = account.admit(now, amount, limits);
          if (rejected) expect(account.maxima().requestsInWindow).toBe(before);
          if (account.inFlight > 0 && finishes.next().value) account.release();
        }
        const { requestsInWindow, tokensInWindow, concurrency, arrivalsInWindow } = account.maxima();
        expect(requestsInWindow).toBeLessThanOrEqual(5);
        expect(tokensInWindow).toBeLessThanOrEqual(60);
        expect(concurrency).toBeLessThanOrEqual(3);
        expect(arrivalsInWindow).toBeGreaterThanOrEqual(requestsInWindow);
      }),
    );
  });

  it("names the limit that is exceeded", () => {
    const account = new SimulatedAccount();
    expect(account.admit(0, 10, { ...NONE, requestsPerWindow: 1 })).toBeUndefined();
    expect(account.admit(1, 10, { ...NONE, requestsPerWindow: 1 })).toBe("requests");
    expect(account.admit(1, 10, { ...NONE, concurrency: 1 })).toBe("concurrency");
    expect(account.admit(1, 10, { ...NONE, tokensPerWindow: 19 })).toBe("tokens");
    expect(account.admit(1, 10, { ...NONE, tokensPerWindow: 20 })).toBeUndefined();
  });

  it("resets its maximum without forgetting the amounts", () => {
    const account = new SimulatedAccount();
    for (let n = 0; n < 4; n++) account.admit(n, 1, NONE);
    account.release();
    account.resetMaxima(50, WINDOW_MS);
    expect(account.maxima()).toEqual({
      requestsInWindow: 4,
      tokensInWindow: 4,
      concurrency: 3,
      arrivalsInWindow: 4,
    });
    account.resetMaxima(200, WINDOW_MS);
    expect(account.maxima().requestsInWindow).toBe(0);
  });
});
