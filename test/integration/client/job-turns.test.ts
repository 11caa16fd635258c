import type { Redis } from "ioredis";
import { afterEach, beforeEach, expect, test } from "vitest";
import { JobTurns } from "#src/queues/job-turns.ts";
import type { JobPayload, TenantShare } from "#src/queues/payload.ts";
import { createKeys } from "#src/redis/keys.ts";
import { createFakeClock } from "#test/support/fakes/fake-clock.ts";
import { injectTime } from "#test/support/fakes/injected-time.ts";
import { openTestRedis, type TestRedis } from "#test/support/redis/redis.ts";

let redis: TestRedis;
let client: Redis;
let turns: JobTurns;
const clock = createFakeClock(1_000_000);

beforeEach(() => {
  redis = openTestRedis();
  client = redis.connect();
  const injected = injectTime(client, () => clock.now());
  turns = new JobTurns(injected, createKeys(redis.namespace), "q", () => clock.now());
});
afterEach(() => redis.cleanup());

/** The priorities of new jobs of a tenant. */
function assign(id: string, count: number, weight = 1): Promise<readonly (number | undefined)[]> {
  return turns.assign(Array.from({ length: count }, () => createPayload({ id, weight })));
}

function createPayload(tenant: TenantShare): JobPayload {
  return { v: 2, kind: "rerank", provider: "fake", model: "m", item: "i", items: [], tenant };
}

/** As BullMQ stores jobs with these priorities. */
async function enqueue(...priorities: readonly number[]): Promise<void> {
  const key = createKeys(redis.namespace).queueTurns("q").prioritized;
  for (const priority of priorities) await client.zadd(key, priority * 2 ** 32, `job-${priority}`);
}

test("jobs of one tenant are due one after the other, and those of others at the same time", async () => {
  expect(await assign("large", 4)).toEqual([1, 2, 3, 4]);
  expect(await assign("small", 2)).toEqual([1, 2]);
  expect(await assign("heavy", 4, 2)).toEqual([1, 1, 2, 2]);
  expect(await assign("large", 2)).toEqual([5, 6]);
});

test("a tenant that comes later begins with the job that is served next", async () => {
  await assign("large", 50);
  await enqueue(20, 21, 50);
  await clock.advance(2_000);
  expect(await assign("small", 2)).toEqual([20, 21]);
  expect(await assign("large", 1)).toEqual([51]);
});

test("jobs that have their places but are not in the queue yet count as waiting", async () => {
  const together = await Promise.all([assign("large", 2), assign("large", 2), assign("small", 1), assign("large", 1)]);
  expect(together).toEqual([[1, 2], [3, 4], [1], [5]]);
  await clock.advance(1_000);
  expect(await assign("large", 1)).toEqual([6]);
});

test("an empty queue begins again", async () => {
  await assign("large", 100);
  await clock.advance(2_000);
  expect(await assign("large", 1)).toEqual([1]);
  expect(await assign("small", 1)).toEqual([1]);
});

test("without tenants, jobs have no priority", async () => {
  const { tenant: _, ...payload } = createPayload({ id: "x", weight: 1 });
  const operator = new JobTurns(redis.connect(), createKeys(redis.namespace), "q");
  expect(await operator.assign([payload, payload])).toEqual([undefined, undefined]);
  expect(await client.exists(createKeys(redis.namespace).queueTurns("q").tenants)).toBe(0);
});

test("when the priorities are used up, jobs have the last one", async () => {
  await assign("large", 1);
  await enqueue(2 ** 21 - 1);
  await clock.advance(2_000);
  expect(await assign("large", 3)).toEqual([2 ** 21 - 1, 2 ** 21 - 1, 2 ** 21 - 1]);
});
