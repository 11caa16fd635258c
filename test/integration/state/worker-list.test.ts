import { expect, test } from "vitest";
import { createKeys } from "#src/redis/keys.ts";
import { readServerTime } from "#src/redis/server-time.ts";
import {
  countWorkers,
  countWorkersFor,
  DEAD_WORKER_LISTED_MS,
  listWorkers,
  WORKER_DEAD_MS,
} from "#src/state/workers/worker-list.ts";
import { createFakeEmbedding } from "#test/support/fakes/fake-embedding.ts";
import { openTestRedis } from "#test/support/redis/redis.ts";
import { makeItems, openInProcessHarness } from "#test/support/runs/in-process-harness.ts";
import { waitFor } from "#test/support/wait-for.ts";

test("a worker publishes its state, and a graceful stop removes it from the list", async () => {
  await using redis = openTestRedis();
  const harness = await openInProcessHarness(redis);
  const client = redis.connect();
  let release = () => {};
  const blocked = new Promise<void>((resolve) => {
    release = resolve;
  });
  const host = harness.worker(createFakeEmbedding({ onCall: () => blocked }));
  await host.ready;
  const [idle] = await listWorkers(client, harness.keys);
  expect(idle).toMatchObject({
    id: host.id,
    state: "alive",
    pid: process.pid,
    version: "test",
    queues: ["fake-embedding"],
    jobs: 0,
    calls: 0,
    claimedAt: undefined,
  });
  const now = await readServerTime(client);
  expect(idle!.startedAt).toBeLessThanOrEqual(now);
  const run = harness.coordinate(makeItems(20), { runId: "busy" });
  const busy = await waitFor(async () => (await listWorkers(client, harness.keys)).find(({ calls }) => calls), {
    what: "a heartbeat with calls under way",
  });
  expect(busy.jobs).toBeGreaterThan(0);
  expect(busy.claimedAt).toBeGreaterThanOrEqual(idle!.startedAt ?? 0);
  expect(busy.loopLagMs).toBeGreaterThanOrEqual(0);
  release();
  await run;
  expect(await countWorkers(client, harness.keys)).toBe(1);
  expect(await countWorkersFor(client, harness.keys, { provider: "fake", kind: "embedding" })).toBe(1);
  expect(await countWorkersFor(client, harness.keys, { provider: "fake", kind: "chat" })).toBe(0);
  await harness.close();
  expect(await listWorkers(client, harness.keys)).toEqual([]);
});

test("a worker without heartbeats is dead after 15 seconds, and removed after ten minutes", async () => {
  await using redis = openTestRedis();
  const client = redis.connect();
  const keys = createKeys(redis.namespace);
  const now = await readServerTime(client);
  await client.zadd(keys.workers, now, "w1");
  await client.hset(keys.worker("w1"), { host: "a", pid: 7, queues: "fake-embedding" });
  const states = async (at: number) => (await listWorkers(client, keys, at)).map(({ state }) => state);
  expect(await states(now + WORKER_DEAD_MS)).toEqual(["alive"]);
  expect(await states(now + WORKER_DEAD_MS + 1)).toEqual(["dead"]);
  expect(await states(now + DEAD_WORKER_LISTED_MS)).toEqual(["dead"]);
  expect(await states(now + DEAD_WORKER_LISTED_MS + 1)).toEqual([]);
  expect(await countWorkers(client, keys, now + WORKER_DEAD_MS + 1)).toBe(0);
});

test("a worker of which only the name is known is listed with its name only", async () => {
  await using redis = openTestRedis();
  const client = redis.connect();
  const keys = createKeys(redis.namespace);
  await client.zadd(keys.workers, await readServerTime(client), "bare");
  await client.hset(keys.worker("bare"), { jobs: "many", startedAt: "" });
  expect(await listWorkers(client, keys)).toMatchObject([
    { id: "bare", state: "alive", host: undefined, queues: [], jobs: undefined, startedAt: undefined },
  ]);
});
