import fc from "fast-check";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createKeys } from "#src/redis/keys.ts";
import { KeyUsage } from "#src/state/api-keys/key-usage.ts";
import { createTestKey } from "#test/support/api-keys/create-test-key.ts";
import { createFakeClock } from "#test/support/fakes/fake-clock.ts";
import { injectTime } from "#test/support/fakes/injected-time.ts";
import { openTestRedis, type TestRedis } from "#test/support/redis/redis.ts";

const DAY_MS = 24 * 3600_000;
const LEASE_MS = 30_000;
/** Shortly before a new day, which is a new month. */
const START = Date.UTC(2028, 1, 29, 23, 58);
const LIMITS = { requestsPerMinute: 6, tokensPerMinute: 100, dailyBudget: 1, monthlyBudget: 1.5 };

let redis: TestRedis;
let client: Redis;
let runs = 0;

beforeAll(() => {
  redis = openTestRedis();
  client = redis.connect();
});
afterAll(() => redis.cleanup());

interface AdmittedCall {
  readonly id: string;
  readonly at: number;
  readonly tokens: number;
  readonly cost: number;
}

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("admit" as const), tokens: fc.nat(60), cost: fc.nat(50) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("settle" as const),
      pick: fc.nat(),
      share: fc.constantFrom(0, 0.3, 1, undefined),
    }),
  },
  // A server dies: the lease of its call runs out.
  { weight: 1, arbitrary: fc.record({ do: fc.constant("lose" as const), pick: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.nat(25_000) }) },
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Makes the steps through the real scripts, and returns what each call counted for, in the end. */
async function simulate(steps: readonly Step[]) {
  const clock = createFakeClock(START);
  const keys = createKeys(`${redis.namespace}-${runs++}`);
  const usage = new KeyUsage(
    injectTime(client, () => clock.now()),
    keys,
    LEASE_MS,
  );
  const key = createTestKey(LIMITS);
  const open: AdmittedCall[] = [];
  const admitted: AdmittedCall[] = [];
  const used = new Map<string, { tokens: number; cost: number }>();
  const take = (pick: number) => open.splice(pick % Math.max(1, open.length), 1)[0];
  for (const [n, each] of steps.entries()) {
    if (each.do === "admit") {
      const call = { id: String(n), at: clock.now(), tokens: each.tokens, cost: each.cost / 100 };
      if ((await usage.admit(key, call.id, call)).refusedBy) continue;
      open.push(call);
      admitted.push(call);
      used.set(call.id, call);
    } else if (each.do === "settle") {
      const call = take(each.pick);
      if (!call) continue;
      const { share } = each;
      const real = share === undefined ? {} : { tokens: Math.floor(call.tokens * share), cost: call.cost * share };
      await usage.settle(key.id, call.id, real);
      used.set(call.id, { ...call, ...real });
    } else if (each.do === "lose") {
      const call = take(each.pick);
      if (call) used.set(call.id, { tokens: call.tokens, cost: 0 });
    } else {
      await usage.renew(
        key.id,
        open.map(({ id }) => id),
      );
      await clock.advance(each.ms);
    }
  }
  return { admitted, used, spending: (await usage.readUse(key)).spending, now: clock.now(), open };
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

test("no window, day, or month ever exceeds the limits of a key, whatever callers and servers do", async () => {
  const property = fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120 }), async (steps) => {
    const { admitted, used, spending, now } = await simulate(steps);
    for (const { at } of admitted) {
      const inWindow = admitted.filter((call) => call.at <= at && call.at > at - 60_000);
      expect(inWindow.length).toBeLessThanOrEqual(LIMITS.requestsPerMinute);
      const tokens = inWindow.map(({ id }) => used.get(id)?.tokens ?? 0);
      expect(sum(tokens)).toBeLessThanOrEqual(LIMITS.tokensPerMinute);
    }
    const costOf = (isCounted: (at: number) => boolean) =>
      sum(admitted.filter(({ at }) => isCounted(at)).map(({ id }) => used.get(id)?.cost ?? 0));
    const today = Math.floor(now / DAY_MS);
    for (const day of [today - 1, today]) {
      expect(costOf((at) => Math.floor(at / DAY_MS) === day)).toBeLessThanOrEqual(LIMITS.dailyBudget + 1e-9);
    }
    const inMonth = costOf((at) => new Date(at).getUTCMonth() === new Date(now).getUTCMonth());
    expect(inMonth).toBeLessThanOrEqual(LIMITS.monthlyBudget + 1e-9);
    // Calls that were lost count until their lease has run out and another call is admitted.
    expect(spending.month).toBeGreaterThanOrEqual(inMonth - 1e-9);
  });
  await Promise.all(Array.from({ length: 10 }, () => fc.assert(property, { numRuns: 30 })));
});
