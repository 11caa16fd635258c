import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ReportedLimit } from "#src/core/lane.ts";
import type { Limiter, Reservation } from "#src/limiter/limiter.ts";
import { createRedisLimiter } from "#src/limiter/redis-limiter.ts";
import { createKeys } from "#src/redis/keys.ts";
import { createFakeClock, type FakeClock } from "#test/support/fakes/fake-clock.ts";
import { injectTime } from "#test/support/fakes/injected-time.ts";
import { openTestRedis, type TestRedis } from "#test/support/redis/redis.ts";

const LANE = { provider: "fake", account: "default", model: "m" };
const WINDOW = 1_000;
const TRANSIT = 200;
const MINUTE = { isLong: false, isGradual: false };
const DAY = { isLong: true, isGradual: false };

let redis: TestRedis;
let clock: FakeClock;
let limiter: Limiter;

beforeEach(() => {
  redis = openTestRedis();
  clock = createFakeClock();
  limiter = createLimiter(clock);
});
afterEach(() => redis.cleanup());

let simulations = 0;
function createLimiter(ownClock: FakeClock): Limiter {
  const client = injectTime(redis.connect(), () => ownClock.now());
  const keys = createKeys(`${redis.namespace}-${simulations++}`);
  return createRedisLimiter(client, keys, { windowMs: WINDOW, transitMs: TRANSIT, leaseMs: 60_000 });
}

async function grant(count: number, limits = {}): Promise<string[]> {
  return (await limiter.reserve(LANE, limits, Array(count).fill(1))).granted.map(({ id }) => id);
}
async function finish(ids: readonly string[]): Promise<void> {
  await limiter.settle(
    LANE,
    ids.map((id) => ({ id, outcome: "ok" })),
  );
}

test("a lane without a known limit makes one call until its first answer, or for ten seconds, and four until its first success", async () => {
  expect(await grant(5)).toHaveLength(1);
  expect(await grant(5)).toHaveLength(0);
  await limiter.report(LANE, []);
  expect(await grant(5)).toHaveLength(3);

  limiter = createLimiter(clock);
  await grant(1);
  await clock.advance(10_000);
  const ids = await grant(5);
  expect(ids).toHaveLength(3);
  await finish(ids.slice(0, 1));
  expect(await grant(5)).toHaveLength(5);
});

test("a reported limit applies from the first answer on, below the configured one and not above a manual one", async () => {
  await finish(await grant(1));
  await limiter.report(LANE, [{ dimension: "requests", limit: 8, remaining: 7, resetMs: 900, ...MINUTE }]);
  expect(await grant(20)).toHaveLength(7);
  expect((await limiter.status(LANE, {})).requests).toMatchObject({ used: 8, allowed: 8, reported: true });
  expect((await limiter.status(LANE, { requestsPerMinute: 5 })).requests).toMatchObject({ allowed: 5 });
  expect((await limiter.status(LANE, { requestsPerMinute: 5 })).requests.reported).toBeUndefined();
  expect(await grant(20, { requestsPerMinute: 5 })).toHaveLength(0);
  await limiter.setLimits(LANE, { requestsPerMinute: 12 });
  expect(await grant(20)).toHaveLength(4);
});

test("what other programs use of a limit is left free for two windows", async () => {
  await finish(await grant(1));
  await limiter.report(LANE, [{ dimension: "requests", limit: 20, remaining: 9, resetMs: 700, ...MINUTE }]);
  expect(await grant(30)).toHaveLength(9);
  await clock.advance(2 * WINDOW + 20);
  expect(await grant(30)).toHaveLength(20);
});

test("a limit of a day is spent to its last call, and then the lane waits for the reset", async () => {
  const hour = 3_600_000;
  await finish(await grant(1));
  await limiter.report(LANE, [{ dimension: "requests", limit: 50, remaining: 3, resetMs: 6 * hour, ...DAY }]);
  expect((await limiter.status(LANE, {})).requests.quota).toEqual({ limit: 50, left: 3, resetMs: 6 * hour });
  await finish(await grant(10));
  expect(await grant(10)).toHaveLength(0);
  expect(await limiter.status(LANE, {})).toMatchObject({
    state: "snoozed",
    snoozeMs: 6 * hour,
    reason: "throttled: the provider's limit of 50 requests is used up",
  });
  await clock.advance(6 * hour - 1);
  expect(await grant(10)).toHaveLength(0);
  await clock.advance(1);
  // The lane was idle, so that it makes four calls until one of them succeeds.
  const first = await grant(10);
  expect(first).toHaveLength(4);
  await finish(first.slice(0, 1));
  expect(await grant(6)).toHaveLength(6);
});

test("a wait of hours does not lower the learned limit, and ends when limits are set", async () => {
  const [id = ""] = await grant(1);
  await limiter.settle(LANE, [{ id, outcome: "failed" }]);
  const throttle = { dimension: "requests" as const, retryAfterMs: 5 * 3_600_000, grantedAt: clock.now() };
  await limiter.throttle(LANE, {}, { ...throttle, reason: "throttled: daily limit" });
  const status = await limiter.status(LANE, {});
  expect(status).toMatchObject({ snoozeMs: 5 * 3_600_000, reason: "throttled: daily limit" });
  expect(status.requests.learned).toBeUndefined();
  await limiter.clearLimits(LANE);
  expect((await limiter.status(LANE, {})).state).toBe("open");
});

interface Provider {
  readonly limit: number;
  /** Admitted calls of this lane. */
  readonly arrivals: number[];
  /** Calls of another program with the same key, which are always admitted. */
  readonly others?: readonly number[];
}

function countInWindow({ arrivals, others = [] }: Provider, now: number): number {
  return [...arrivals, ...others].filter((at) => at <= now && at > now - WINDOW).length;
}

/** Makes as many calls as the limiter grants, and reports the headers of every answer. */
async function simulate(
  provider: Provider,
  endsAt: number,
  drawTimes: () => readonly [transit: number, duration: number],
): Promise<{ refused: number; answered: number }> {
  const ownClock = createFakeClock(0);
  const ownLimiter = createLimiter(ownClock);
  const outcome = { refused: 0, answered: 0 };
  let waking = 0;
  const events: { at: number; run: () => Promise<void> }[] = [];
  const later = (at: number, run: () => Promise<void>) => {
    const before = events.findIndex((other) => other.at > at);
    events.splice(before < 0 ? events.length : before, 0, { at, run });
  };
  const arrive = async ({ id, grantedAt }: Reservation, duration: number) => {
    const now = ownClock.now();
    const isRefused = countInWindow(provider, now) >= provider.limit;
    outcome[isRefused ? "refused" : "answered"] += 1;
    if (!isRefused) provider.arrivals.push(now);
    const remaining = Math.max(0, provider.limit - countInWindow(provider, now));
    const report: ReportedLimit = {
      ...{ dimension: "requests", limit: provider.limit, remaining, resetMs: WINDOW },
      ...MINUTE,
    };
    later(now + duration, async () => {
      await ownLimiter.report(LANE, [report]);
      await ownLimiter.settle(LANE, [{ id, outcome: isRefused ? "failed" : "ok", answeredAgoMs: duration }]);
      if (isRefused)
        await ownLimiter.throttle(LANE, {}, { dimension: "requests", retryAfterMs: WINDOW / 4, grantedAt });
      await ask();
    });
  };
  const ask = async () => {
    const { granted, wait } = await ownLimiter.reserve(LANE, {}, Array(40).fill(1));
    for (const reservation of granted) {
      const [transit, duration] = drawTimes();
      later(ownClock.now() + transit, () => arrive(reservation, duration));
    }
    const wakesAt = ownClock.now() + (wait?.waitMs ?? Number.POSITIVE_INFINITY);
    if (wakesAt >= waking && waking > ownClock.now()) return;
    waking = wakesAt;
    if (waking < endsAt) later(waking, ask);
  };
  later(0, ask);
  for (let next = events.shift(); next && next.at <= endsAt; next = events.shift()) {
    ownClock.set(Math.max(ownClock.now(), next.at));
    await next.run();
  }
  return outcome;
}

test("a lane learns its limit from the first answer: nothing is refused, and 95 % of the limit is used", async () => {
  const windows = 12;
  const property = fc.asyncProperty(
    fc.integer({ min: 5, max: 40 }),
    fc.array(fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 400 })), {
      minLength: 8,
      maxLength: 8,
    }),
    async (limit, times) => {
      let drawn = 0;
      const provider = { limit, arrivals: [] };
      const { refused, answered } = await simulate(provider, windows * WINDOW, () => times[drawn++ % 8] ?? [0, 1]);
      expect(refused).toBe(0);
      // The first window is shorter by the first call, and the last one may not have ended.
      expect(answered).toBeGreaterThanOrEqual(Math.floor(limit * (windows - 2) * 0.95));
    },
  );
  await fc.assert(property, { numRuns: 15 });
});

test("a lane leaves other programs their part of the limit: few calls are refused", async () => {
  const times: readonly (readonly [number, number])[] = [
    [10, 50],
    [40, 200],
    [0, 120],
  ];
  const limit = 40;
  const windows = 20;
  // Another program makes 20 calls per window, evenly.
  const others = Array.from({ length: windows * 20 }, (_, i) => (i * WINDOW) / 20);
  let drawn = 0;
  const provider = { limit, arrivals: [], others };
  const { refused, answered } = await simulate(provider, windows * WINDOW, () => times[drawn++ % 3] ?? [0, 1]);
  expect(refused).toBeLessThan(answered * 0.1);
  expect(answered).toBeGreaterThan(20 * (windows - 2) * 0.9);
});
