import { randomBytes, randomInt } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { LaneLimits } from "#src/core/lane.ts";
import type { Limiter } from "#src/limiter/limiter.ts";
import { reserveScript } from "#src/limiter/limiter-scripts.ts";
import { createRedisLimiter } from "#src/limiter/redis-limiter.ts";
import { createKeys } from "#src/redis/keys.ts";
import { createFakeClock } from "#test/support/fakes/fake-clock.ts";
import { injectTime } from "#test/support/fakes/injected-time.ts";
import { openTestRedis, type TestRedis } from "#test/support/redis/redis.ts";

const LANE = { provider: "fake", account: "default", model: "m" };
const WINDOW = 400;
const TRANSIT = 150;

let redis: TestRedis;
let limiters: Limiter[];

beforeEach(() => {
  redis = openTestRedis();
  const keys = createKeys(redis.namespace);
  const options = { windowMs: WINDOW, transitMs: TRANSIT, leaseMs: 30_000 };
  limiters = Array.from({ length: 4 }, () => createRedisLimiter(redis.connect(), keys, options));
});
afterEach(() => redis.cleanup());

/** A provider that records what it sees; the Redis server is on the same machine and reads the same clock. */
class Provider {
  readonly arrivals: { readonly at: number; readonly tokens: number }[] = [];
  inFlight = 0;
  maxInFlight = 0;

  async call(tokens: number, durationMs: number): Promise<void> {
    this.arrivals.push({ at: Date.now(), tokens });
    this.inFlight += 1;
    this.maxInFlight = Math.max(this.maxInFlight, this.inFlight);
    await delay(durationMs);
    this.inFlight -= 1;
  }

  /** The maximum of any window. */
  peak(): { requests: number; tokens: number } {
    const sorted = [...this.arrivals].sort((a, b) => a.at - b.at);
    const windows = sorted.map(({ at }) => sorted.filter((other) => other.at <= at && other.at > at - WINDOW));
    return {
      requests: Math.max(...windows.map((window) => window.length)),
      tokens: Math.max(...windows.map((window) => window.reduce((sum, { tokens }) => sum + tokens, 0))),
    };
  }
}

/** Four workers make `calls` calls together, each with its own estimate and jitter. */
async function spend(
  provider: Provider,
  calls: number,
  limits: LaneLimits,
  onCall: (made: number) => void = () => undefined,
): Promise<void> {
  let wanted = calls;
  let made = 0;
  const one = async (limiter: Limiter, id: string, grantedAt: number, estimate: number) => {
    await delay(randomInt(0, 40));
    // The promise covers arrivals within the transit time; a later request must not be sent.
    if (Date.now() - grantedAt > TRANSIT - 20) {
      wanted += 1;
      return await limiter.settle(LANE, [{ id, outcome: "unsent" }]);
    }
    const tokens = Math.ceil(estimate * (0.4 + Math.random() * 0.6));
    await provider.call(tokens, randomInt(1, 60));
    onCall(++made);
    return await limiter.settle(LANE, [{ id, outcome: "ok", tokens }]);
  };
  const worker = async (limiter: Limiter) => {
    const running = new Set<Promise<unknown>>();
    while (wanted > 0 || running.size > 0) {
      const estimates = Array.from({ length: Math.min(wanted, 5) }, () => randomInt(1, 20));
      wanted -= estimates.length;
      const { granted, wait } = await limiter.reserve(LANE, limits, estimates);
      wanted += estimates.length - granted.length;
      granted.forEach(({ id, grantedAt }, i) => {
        const call = one(limiter, id, grantedAt, estimates[i] ?? 0).finally(() => running.delete(call));
        running.add(call);
      });
      if (wait || wanted === 0) await Promise.race([delay(Math.min(wait?.waitMs ?? 5, 500)), ...running]);
    }
  };
  await Promise.all(limiters.map(worker));
}

function createLimiterWithClock() {
  const clock = createFakeClock();
  const client = injectTime(redis.connect(), () => clock.now());
  return { limiter: createRedisLimiter(client, createKeys(redis.namespace), { firstCalls: 0 }), clock };
}

test("four workers on one lane never fill a window beyond its requests", async () => {
  const provider = new Provider();
  await spend(provider, 300, { requestsPerMinute: 50 });
  expect(provider.arrivals).toHaveLength(300);
  expect(provider.peak().requests).toBeLessThanOrEqual(50);
});

test("four workers on one lane never fill a window beyond its tokens or its concurrency", async () => {
  const provider = new Provider();
  await spend(provider, 300, { tokensPerMinute: 600, concurrency: 12 });
  expect(provider.arrivals).toHaveLength(300);
  expect(provider.peak().tokens).toBeLessThanOrEqual(600);
  expect(provider.maxInFlight).toBeLessThanOrEqual(12);
});

test("an evenly paced lane stays within its window too", async () => {
  const provider = new Provider();
  await spend(provider, 100, { requestsPerMinute: 40, pacing: "even" });
  expect(provider.peak().requests).toBeLessThanOrEqual(40);
});

test("scripts are loaded again after the server has dropped them", async () => {
  const admin = redis.connect();
  const provider = new Provider();
  await spend(provider, 120, { requestsPerMinute: 40 }, (made) => {
    if (made % 30 === 0) void admin.script("FLUSH");
  });
  expect(provider.arrivals).toHaveLength(120);
  expect(provider.peak().requests).toBeLessThanOrEqual(40);
});

test("a reservation whose reply was lost is granted once, even if the lane was parked meanwhile", async () => {
  const client = redis.connect();
  const keys = createKeys(redis.namespace);
  const limiter = createRedisLimiter(client, keys, { soloMs: 0, firstCalls: 0 });
  const limits = { requestsPerMinute: 10, concurrency: 4 };
  const sent: (string | number | Buffer)[][] = [];
  const original = client.evalsha.bind(client) as (...args: unknown[]) => Promise<unknown>;
  vi.spyOn(client, "evalsha").mockImplementation((async (...args: never[]) => {
    sent.push(args);
    return await original(...args);
  }) as never);
  const { granted } = await limiter.reserve(LANE, limits, [1, 1, 1]);
  const lost = sent.at(-1) as unknown[];
  const reserveAgain = async () => reserveScript.parse(await original(...lost));
  expect(await reserveAgain()).toMatchObject({ granted: 3, reason: "" });
  expect(await limiter.status(LANE, limits)).toMatchObject({
    requests: { used: 3 },
    concurrency: { used: 3 },
  });
  await limiter.park(LANE, "auth");
  expect((await reserveAgain()).granted).toBe(3);
  await limiter.unpark(LANE);
  await limiter.settle(
    LANE,
    granted.map(({ id }) => ({ id, outcome: "unsent" })),
  );
  expect((await limiter.status(LANE, limits)).requests.used).toBe(0);
});

test("the calls of a dead worker stop counting as in flight, but still count in the window", async () => {
  const { limiter, clock } = createLimiterWithClock();
  const limits = { requestsPerMinute: 4, concurrency: 2 };
  await limiter.reserve(LANE, limits, [1, 1]);
  await clock.advance(20_000);
  expect((await limiter.reserve(LANE, limits, [1, 1])).granted).toHaveLength(2);
  expect((await limiter.reserve(LANE, limits, [1])).granted).toHaveLength(0);
  expect((await limiter.status(LANE, limits)).requests.used).toBe(4);
});

test("more than five thousand expired calls are removed in steps, and none is lost", async () => {
  const { limiter, clock } = createLimiterWithClock();
  const limits = { requestsPerMinute: 12_000, tokensPerMinute: 24_000 };
  for (let i = 0; i < 12; i++) {
    const { granted } = await limiter.reserve(LANE, limits, Array(1_000).fill(2));
    await limiter.settle(
      LANE,
      granted.map(({ id }) => ({ id, outcome: "ok" })),
    );
  }
  expect((await limiter.reserve(LANE, limits, [2])).granted).toHaveLength(0);
  await clock.advance(61_000);
  let granted = 0;
  for (let i = 0; i < 20; i++) granted += (await limiter.reserve(LANE, limits, Array(1_000).fill(2))).granted.length;
  expect(granted).toBe(12_000);
});

test("every key of a lane expires within eight days", async () => {
  const client = redis.connect();
  const limiter = createRedisLimiter(client, createKeys(redis.namespace), { soloMs: 0, firstCalls: 0 });
  const { granted } = await limiter.reserve(LANE, {}, [1, 1]);
  await limiter.settle(LANE, [{ id: granted[0]?.id ?? "", outcome: "fault" }]);
  await limiter.throttle(LANE, {}, { dimension: "tokens", grantedAt: granted[0]?.grantedAt ?? 0 });
  await limiter.renew(LANE, [granted[1]?.id ?? ""]);
  await limiter.report(LANE, [
    { dimension: "requests", limit: 9, remaining: 2, resetMs: 9_000, isLong: true, isGradual: false },
  ]);
  await limiter.park({ ...LANE, account: randomBytes(4).toString("hex") }, "auth");
  for (const key of await client.keys(`*${redis.namespace}*`)) {
    const ttlMs = await client.pttl(key);
    expect(ttlMs).toBeGreaterThan(0);
    expect(ttlMs).toBeLessThanOrEqual(8 * 24 * 3_600_000);
  }
});
