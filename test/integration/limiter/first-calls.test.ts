import { afterEach, beforeEach, expect, test } from "vitest";
import type { Limiter, Reservation, Settlement } from "#src/limiter/limiter.ts";
import { createRedisLimiter } from "#src/limiter/redis-limiter.ts";
import { createKeys } from "#src/redis/keys.ts";
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
