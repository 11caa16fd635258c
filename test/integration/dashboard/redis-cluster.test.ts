import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Overview } from "#src/dashboard/overview/overview-api.ts";
import { openRedis, type RedisSource } from "#src/redis/connection.ts";
import { createKeys } from "#src/redis/keys.ts";
import { parseRedisUrl } from "#src/redis/url.ts";
import { openDashboard, RunFixture, type TestDashboard } from "#test/support/dashboard/dashboard.ts";
import { createFakeEmbedding, createProviderError } from "#test/support/fakes/fake-embedding.ts";
import type { TestRedis } from "#test/support/redis/redis.ts";
import { type RedisCluster, startRedisCluster } from "#test/support/redis/redis-cluster.ts";
import { hasRedisServer } from "#test/support/redis/redis-process.ts";
import { type InProcessHarness, makeItems, openInProcessHarness } from "#test/support/runs/in-process-harness.ts";
import { waitFor } from "#test/support/wait-for.ts";

const NAMESPACE = "clustered";

/** The keys of one script or transaction are on one shard, those of one snapshot on all of them. */
describe.skipIf(!hasRedisServer())("the dashboard on a Redis Cluster", () => {
  let cluster: RedisCluster;
  let source: RedisSource;
  let harness: InProcessHarness;
  let page: TestDashboard;
  let made: RunFixture;

  beforeAll(async () => {
    cluster = await startRedisCluster();
    const redis = { url: cluster.url, namespace: NAMESPACE };
    source = openRedis(parseRedisUrl(cluster.url));
    harness = await openInProcessHarness(redis as TestRedis);
    page = await openDashboard({ redisUrl: cluster.url, namespace: NAMESPACE });
    made = new RunFixture("made");
    await made.create(
      [
        { id: "alpha", text: "a", vector: [1, 0, 0, 0] },
        { id: "beta", text: "b", failure: { kind: "server", message: "HTTP 500" } },
      ],
      { client: source.connect("commands"), keys: createKeys(NAMESPACE) },
    );
    let calls = 0;
    harness.worker(
      createFakeEmbedding({
        onCall: () => {
          calls += 1;
          if (calls === 2) throw createProviderError("server");
        },
      }),
    );
    await harness.coordinate(makeItems(200), { runId: "worked" });
  });

  afterAll(async () => {
    await page?.close();
    await harness?.close();
    await source?.close();
    made?.[Symbol.dispose]();
    await cluster?.[Symbol.asyncDispose]();
  });

  const get = async (path: string) => {
    const answer = await page.sendRequest(path);
    expect([path, answer.status]).toEqual([path, 200]);
    return answer;
  };

  test("shows lanes, queues, workers and memory of all shards", async () => {
    const seen = await waitFor(async () => {
      const now: Overview = (await get("/api/overview")).json();
      const [provider] = now.providers;
      return provider?.itemsPerMinute && provider.queues.length > 0 && now.workers.length > 0 ? now : undefined;
    });
    expect(seen.lanes).toMatchObject([{ name: "fake/m", state: "open", concurrency: { allowed: 8 } }]);
    expect(seen.providers[0]).toMatchObject({ name: "fake", errorsByKind: { server: 1 } });
    expect(seen.workers).toMatchObject([{ state: "alive" }]);
    expect(seen.redis).toMatchObject({ version: expect.stringMatching(/^\d/), isPrivate: false });
    // Each of the three masters uses about a megabyte.
    expect(seen.redis.usedBytes).toBeGreaterThan(2_000_000);
    const { lines } = (await get("/api/history?span=hour")).json();
    const metrics = new Set(lines.map(({ metric }: { metric: string }) => metric));
    for (const metric of ["items", "queue-depth", "workers", "redis-memory"]) expect(metrics).toContain(metric);
  });

  test("lists runs, opens their pages, and changes them", async () => {
    const list = (await get("/api/runs")).json();
    expect(list.runs).toMatchObject([{ run: "made", phase: "stopped" }]);
    const run = (await get("/api/runs/made")).json();
    expect(run).toMatchObject({ items: { total: 2, succeeded: 1, failed: 1 }, folder: { isReadable: true } });
    expect((await get("/api/runs/made/causes")).json()).toMatchObject({ total: 1 });
    expect((await get("/api/runs/made/items")).json().items).toHaveLength(2);
    expect((await get("/api/runs/made/items/0")).json()).toMatchObject({ id: "alpha", status: "succeeded" });
    await get("/api/runs/made/history");
    await get("/api/runs/made/records");
    expect((await page.post("/api/runs/made/cancel")).json()).toMatchObject({ changed: true });
    const limited = await page.post("/api/lanes/limits", { lane: "fake/m", requestsPerMinute: 30 });
    expect(limited.json()).toMatchObject({ requests: { allowed: 30, set: true } });
    const audit = (await get("/api/audit")).json().lines;
    expect(audit.map(({ action }: { action: string }) => action)).toEqual(["set-limit", "cancel"]);
  });

  test("pushes events to pages, and serves metrics", async () => {
    const events = await page.events("overview=1&runs=1&run=made&chats=1", (all) =>
      ["health", "overview", "runs", "run", "chats"].every((name) => all.some(({ event }) => event === name)),
    );
    expect(events.filter(({ event }) => event === "refused")).toEqual([]);
    const metrics = (await get("/metrics")).text;
    expect(metrics).toMatch(/^sluice_redis_up 1$/m);
    expect(metrics).toMatch(/^sluice_calls_total\{.*outcome="answered"\} \d/m);
    expect(metrics).toMatch(/^sluice_queue_jobs\{queue="fake-embedding"/m);
    expect(metrics).toMatch(/^sluice_lane_concurrency_limit\{/m);
    expect(page.errors).toEqual([]);
  });

  test("shows the jobs in bull-board", async () => {
    const { queues } = (await get("/queues/view/api/queues?status=latest&page=1&jobsPerPage=5")).json();
    expect(queues.map(({ name }: { name: string }) => name)).toContain("fake-embedding");
    const jobs = (
      await get("/queues/act/api/queues?activeQueue=fake-embedding&status=latest&page=1&jobsPerPage=5")
    ).json();
    const open = jobs.queues.find(({ name }: { name: string }) => name === "fake-embedding");
    expect(open.counts).toMatchObject({ waiting: 0, active: 0 });
  });
});
