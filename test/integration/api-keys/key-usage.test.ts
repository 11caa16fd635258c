import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createKeys } from "#src/redis/keys.ts";
import type { ApiKey } from "#src/state/api-keys/api-key.ts";
import { KeyUsage } from "#src/state/api-keys/key-usage.ts";
import { createTestKey } from "#test/support/api-keys/create-test-key.ts";
import { createFakeClock } from "#test/support/fakes/fake-clock.ts";
import { injectTime } from "#test/support/fakes/injected-time.ts";
import { openTestRedis, type TestRedis } from "#test/support/redis/redis.ts";

let redis: TestRedis;
let client: Redis;
let clock: ReturnType<typeof createFakeClock>;
let usage: KeyUsage;
let stores = 0;

const LEASE = 10_000;
/** Noon. */
const START = Date.UTC(2027, 1, 27, 12);

beforeAll(() => {
  redis = openTestRedis();
  client = redis.connect();
});
afterAll(() => redis.cleanup());
beforeEach(() => {
  clock = createFakeClock(START);
  usage = new KeyUsage(
    injectTime(client, () => clock.now()),
    createKeys(`${redis.namespace}-${stores++}`),
    LEASE,
  );
});

/** Admits calls with these costs; resolves with what refused each. */
async function admitAll(key: ApiKey, costs: Readonly<Record<string, number>>): Promise<(string | undefined)[]> {
  const refusals = [];
  for (const [id, cost] of Object.entries(costs)) {
    refusals.push((await usage.admit(key, id, { tokens: 1, cost })).refusedBy);
  }
  return refusals;
}

describe("limits per minute", () => {
  test("requests are limited in a sliding window, and what is left is reported", async () => {
    const key = createTestKey({ requestsPerMinute: 2 });
    expect(await usage.admit(key, "a", { tokens: 1, cost: 0 })).toEqual({
      refusedBy: undefined,
      retryAfterMs: undefined,
      requests: { limit: 2, remaining: 1, resetMs: 60_000 },
      tokens: undefined,
    });
    await clock.advance(20_000);
    expect((await usage.admit(key, "b", { tokens: 1, cost: 0 })).requests?.remaining).toBe(0);
    await clock.advance(10_000);
    expect(await usage.admit(key, "c", { tokens: 1, cost: 0 })).toMatchObject({
      refusedBy: "requests",
      retryAfterMs: 30_000,
      requests: { limit: 2, remaining: 0, resetMs: 50_000 },
    });
    await clock.advance(30_000);
    expect(await usage.admit(key, "c", { tokens: 1, cost: 0 })).toMatchObject({
      refusedBy: undefined,
      requests: { remaining: 0, resetMs: 60_000 },
    });
    expect((await usage.admit(key, "d", { tokens: 1, cost: 0 })).retryAfterMs).toBe(20_000);
  });

  test("tokens are reserved and then corrected by what the call used", async () => {
    const key = createTestKey({ tokensPerMinute: 100 });
    await usage.admit(key, "a", { tokens: 80, cost: 0 });
    expect(await usage.admit(key, "b", { tokens: 30, cost: 0 })).toMatchObject({
      refusedBy: "tokens",
      retryAfterMs: 60_000,
      tokens: { limit: 100, remaining: 20 },
    });
    await usage.settle(key.id, "a", { tokens: 10, cost: 0 });
    // A second settlement changes nothing.
    await usage.settle(key.id, "a", { tokens: 0, cost: 0 });
    expect((await usage.admit(key, "b", { tokens: 30, cost: 0 })).tokens?.remaining).toBe(60);
    await clock.advance(61_000);
    expect((await usage.admit(key, "c", { tokens: 100, cost: 0 })).tokens?.remaining).toBe(0);
    // The call of an earlier minute does not count in this one.
    await usage.settle(key.id, "b", { tokens: 5_000, cost: 0 });
    await usage.settle(key.id, "c", { tokens: 40, cost: 0 });
    expect((await usage.admit(key, "d", { tokens: 60, cost: 0 })).refusedBy).toBeUndefined();
  });

  test("a call that is larger than the limit is refused without a time", async () => {
    const key = createTestKey({ tokensPerMinute: 100 });
    expect(await usage.admit(key, "a", { tokens: 101, cost: 0 })).toMatchObject({
      refusedBy: "tokens",
      retryAfterMs: undefined,
      tokens: { remaining: 100 },
    });
  });

  test("a repeated admission, as after a lost reply, counts once", async () => {
    const key = createTestKey({ requestsPerMinute: 2, tokensPerMinute: 10, dailyBudget: 1 });
    for (let i = 0; i < 3; i++) {
      expect(await usage.admit(key, "a", { tokens: 10, cost: 1 })).toMatchObject({
        refusedBy: undefined,
        requests: { remaining: 1 },
        tokens: { remaining: 0 },
      });
    }
    expect((await usage.readUse(key)).spending.today).toBe(1);
  });
});

describe("budgets", () => {
  test("a budget is reserved before a call and settled after it", async () => {
    const key = createTestKey({ dailyBudget: 1 });
    expect(await admitAll(key, { a: 0.6, b: 0.6 })).toEqual([undefined, "day"]);
    // It may be free again soon, because the call in progress may cost less.
    expect((await usage.admit(key, "b", { tokens: 1, cost: 0.6 })).retryAfterMs).toBe(1_000);
    await usage.settle(key.id, "a", { tokens: 1, cost: 0.3 });
    expect((await usage.readUse(key)).spending).toEqual({ today: 0.3, month: 0.3, reserved: 0 });
    expect(await admitAll(key, { b: 0.6, c: 0.1 })).toEqual([undefined, undefined]);
    expect((await usage.readUse(key)).spending).toEqual({ today: 1, month: 1, reserved: 0.7 });
  });

  test("a cost that is not known after the call counts as it was reserved, and a released call costs nothing", async () => {
    const key = createTestKey({ dailyBudget: 1 });
    await admitAll(key, { a: 0.5, b: 0.5 });
    await usage.settle(key.id, "a", {});
    await usage.settle(key.id, "b", { tokens: 0, cost: 0 });
    expect((await usage.readUse(key)).spending).toEqual({ today: 0.5, month: 0.5, reserved: 0 });
  });

  test("days and months begin with a new budget, and say when", async () => {
    const key = createTestKey({ dailyBudget: 1, monthlyBudget: 2.5 });
    await admitAll(key, { a: 1 });
    await usage.settle(key.id, "a", { tokens: 1, cost: 1 });
    expect(await usage.admit(key, "b", { tokens: 1, cost: 0.1 })).toMatchObject({
      refusedBy: "day",
      retryAfterMs: 12 * 3600_000,
    });
    await clock.advance(12 * 3600_000);
    expect(await admitAll(key, { c: 1, d: 0.1 })).toEqual([undefined, "day"]);
    await usage.settle(key.id, "c", { tokens: 1, cost: 1 });
    expect((await usage.readUse(key)).spending).toEqual({ today: 1, month: 2, reserved: 0 });
    // 1 March: a new month, in a year without a leap day.
    await clock.advance(24 * 3600_000);
    expect((await usage.readUse(key)).spending).toEqual({ today: 0, month: 0, reserved: 0 });
    for (const id of ["e", "f"]) {
      await admitAll(key, { [id]: 1 });
      await usage.settle(key.id, id, { tokens: 1, cost: 1 });
      await clock.advance(24 * 3600_000);
    }
    expect(await usage.admit(key, "g", { tokens: 1, cost: 0.6 })).toMatchObject({
      refusedBy: "month",
      retryAfterMs: 29 * 24 * 3600_000,
    });
  });

  test("the month is that of the calendar, over leap years and centuries", async () => {
    const key = createTestKey();
    for (const [year, month, day] of [
      [2028, 1, 29],
      [2028, 2, 31],
      [2028, 11, 31],
      [2100, 1, 28],
    ] as const) {
      clock.set(Date.UTC(year, month, day, 23, 59, 59, 999));
      await admitAll(key, { [`${year}-${month}`]: 0.25 });
      expect((await usage.readUse(key)).spending.month).toBe(0.25);
      await clock.advance(1);
      expect((await usage.readUse(key)).spending.month).toBe(0);
    }
  });

  test("a call counts on the day on which it was admitted", async () => {
    const key = createTestKey({ dailyBudget: 1 });
    clock.set(Date.UTC(2027, 5, 10, 23, 59, 59));
    await admitAll(key, { a: 1 });
    await clock.advance(2_000);
    expect(await admitAll(key, { b: 1 })).toEqual([undefined]);
    await usage.settle(key.id, "a", { tokens: 1, cost: 0.4 });
    expect((await usage.readUse(key)).spending).toEqual({ today: 1, month: 1.4, reserved: 1 });
  });

  test("a call that may cost more than the whole budget is refused without a time", async () => {
    const key = createTestKey({ monthlyBudget: 1 });
    expect(await usage.admit(key, "a", { tokens: 1, cost: 1.01 })).toMatchObject({
      refusedBy: "month",
      retryAfterMs: undefined,
    });
  });

  test("reservations of a server that died expire, and those of a live one are renewed", async () => {
    const key = createTestKey({ dailyBudget: 1 });
    await admitAll(key, { dead: 0.5, live: 0.5 });
    await clock.advance(LEASE / 2);
    await usage.renew(key.id, ["live"]);
    await clock.advance(LEASE / 2 + 1);
    expect(await admitAll(key, { a: 0.5, b: 0.5 })).toEqual([undefined, "day"]);
    // Neither a renewal nor a late settlement restores it.
    await usage.renew(key.id, ["dead"]);
    await usage.settle(key.id, "dead", { tokens: 1, cost: 0.5 });
    expect((await usage.readUse(key)).spending).toEqual({ today: 1, month: 1, reserved: 1 });
  });

  test("amounts are exact: a budget of 0.3 holds three calls of 0.1, and small prices add up", async () => {
    const key = createTestKey({ dailyBudget: 0.3 });
    expect(await admitAll(key, { a: 0.1, b: 0.1, c: 0.1, d: 1e-9 })).toEqual([undefined, undefined, undefined, "day"]);
    const large = createTestKey({ id: "f".repeat(16), monthlyBudget: 1_000_000 });
    expect(await admitAll(large, { a: 999_999.999_999_999, b: 1e-9, c: 1e-9 })).toEqual([
      undefined,
      undefined,
      "month",
    ]);
  });

  test("keys do not share anything", async () => {
    const [one, other] = [createTestKey({ dailyBudget: 1 }), createTestKey({ id: "f".repeat(16), dailyBudget: 1 })];
    expect(await admitAll(one, { a: 1 })).toEqual([undefined]);
    expect(await admitAll(other, { a: 1 })).toEqual([undefined]);
  });
});
