import { afterEach, beforeEach, expect, test } from "vitest";
import type { Limiter, Reservation, Settlement } from "#src/limiter/limiter.ts";
import { createRedisLimiter } from "#src/limiter/redis-limiter.ts";
import { createKeys } from "#src/redis/keys.ts";
import { createFakeClock } from "#test/support/fakes/fake-clock.ts";
import { injectTime } from "#test/support/fakes/injected-time.ts";
import { openTestRedis, type TestRedis } from "#test/support/redis/redis.ts";

const LANE = { provider: "fake", account: "default", model: "m" };
const LIMITS = { concurrency: 30 };

let redis: TestRedis;
let limiter: Limiter;

beforeEach(() => {
  redis = openTestRedis();
  limiter = createRedisLimiter(redis.connect(), createKeys(redis.namespace));
});
afterEach(() => redis.cleanup());

const reserve = async (count: number, interactive = 0) =>
  (await limiter.reserve(LANE, LIMITS, Array(count).fill(1), interactive)).granted;
const settle = (reservations: readonly Reservation[], outcome: Settlement["outcome"]) =>
  limiter.settle(
    LANE,
    reservations.map(({ id }) => ({ id, outcome })),
  );

test("a lane makes four bulk calls until it succeeds", async () => {
  const first = await reserve(30);
  expect(first).toHaveLength(4);
  expect(await reserve(30)).toHaveLength(0);
  await settle(first.slice(0, 1), "failed");
  expect(await reserve(30)).toHaveLength(1);
  await settle(first.slice(1, 2), "ok");
  expect(await reserve(30)).toHaveLength(27);
});

test("a call that was denied leaves its place empty, and one call at a time goes on", async () => {
  const first = await reserve(30);
  await settle(first.slice(0, 3), "denied");
  expect(await reserve(30)).toHaveLength(0);
  await settle(first.slice(3), "denied");
  const next = await reserve(30);
  expect(next).toHaveLength(1);
  await settle(next, "ok");
  expect(await reserve(30)).toHaveLength(30);
});

test("a lane that was denied makes four bulk calls until it succeeds again", async () => {
  await settle(await reserve(1), "ok");
  const calls = await reserve(30);
  expect(calls).toHaveLength(30);
  await settle(calls.slice(0, 10), "denied");
  expect(await reserve(30)).toHaveLength(0);
  // The call that finds out whether the account or the input is the cause does not wait for the others.
  expect(await reserve(2, 1)).toHaveLength(1);
  await settle(calls.slice(10, 11), "ok");
  expect(await reserve(30)).toHaveLength(10);
});

test("a lane that was parked makes four bulk calls until it succeeds again", async () => {
  await settle(await reserve(1), "ok");
  await limiter.park(LANE, "auth");
  await limiter.unpark(LANE);
  expect(await reserve(30)).toHaveLength(4);
});

test("a lane without a call for a whole window may have another key, and makes four bulk calls until it succeeds again", async () => {
  const clock = createFakeClock();
  limiter = createRedisLimiter(
    injectTime(redis.connect(), () => clock.now()),
    createKeys(redis.namespace),
    { leaseMs: 600_000 },
  );
  const [long] = await reserve(1);
  await settle(await reserve(1), "ok");
  await clock.advance(61_000);
  // A call that takes long shows that the lane is in use.
  const inUse = await reserve(30);
  expect(inUse).toHaveLength(29);
  if (long) await settle([long], "ok");
  await settle(inUse, "ok");
  await clock.advance(61_000);
  const first = await reserve(30);
  expect(first).toHaveLength(4);
  await settle(first.slice(0, 1), "ok");
  expect(await reserve(30)).toHaveLength(27);
});
