import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Overview } from "#src/dashboard/overview/overview-api.ts";
import { createRedisLimiter } from "#src/limiter/redis-limiter.ts";
import { createClient } from "#src/producer/client/create-client.ts";
import { publishRun } from "#src/producer/runs/progress/published-run.ts";
import { openRedis, type RedisSource } from "#src/redis/connection.ts";
import { createKeys } from "#src/redis/keys.ts";
import { parseRedisUrl } from "#src/redis/url.ts";
import { encodeRecords } from "#src/state/record-format/record-codec.ts";
import { RunControl } from "#src/state/runs/run-control.ts";
import { startWorker, type WorkerHost } from "#src/workers/worker-host.ts";
import { silentLog } from "#src/workers/worker-log.ts";
import { OPERATOR, openDashboard, RunFixture, type TestDashboard, VIEWER } from "#test/support/dashboard/dashboard.ts";
import { createFakeChat } from "#test/support/fakes/fake-chat.ts";
import { createFakeEmbedding, createProviderError } from "#test/support/fakes/fake-embedding.ts";
import { openTestRedis, type TestRedis } from "#test/support/redis/redis.ts";
import { hasRedisServer, startRedisProcess } from "#test/support/redis/redis-process.ts";
import { type InProcessHarness, makeItems, openInProcessHarness } from "#test/support/runs/in-process-harness.ts";
import { waitFor } from "#test/support/wait-for.ts";

let redis: TestRedis;
let page: TestDashboard;

beforeEach(async () => {
  redis = openTestRedis();
  page = await openDashboard({ redisUrl: redis.url, namespace: redis.namespace });
});

afterEach(async () => {
  await page.close();
  await redis.cleanup();
});

const overview = async (): Promise<Overview> => (await page.sendRequest("/api/overview")).json();

describe("the overview", () => {
  it("is empty, without zeros, if nothing ever ran", async () => {
    const seen = await overview();
    expect(seen).toMatchObject({ lanes: [], providers: [], workers: [], totals: {} });
    expect(seen.runs).toEqual({
      byPhase: {},
      active: [],
      activeTotal: 0,
      recentlyFinished: [],
      money: [],
      unpriced: 0,
    });
    expect(seen).not.toHaveProperty("spentToday");
    expect(seen.redis.version).toMatch(/^\d/);
    expect((await page.sendRequest("/api/history?span=day")).json().at).toHaveLength(288);
    expect((await page.sendRequest("/api/history?span=hour")).json().at).toHaveLength(360);
    expect((await page.sendRequest("/api/history?span=week")).status).toBe(400);
  });

  it("shows the lanes, providers, queues, workers and failures of a run", async () => {
    const harness: InProcessHarness = await openInProcessHarness(redis);
    try {
      let calls = 0;
      harness.worker(
        createFakeEmbedding({
          onCall: () => {
            calls += 1;
            if (calls === 2) throw createProviderError("server");
          },
        }),
      );
      await harness.coordinate(makeItems(200));
      const seen = await waitFor(async () => {
        const now = await overview();
        return now.providers[0]?.queues.length &&
          now.providers[0].itemsPerMinute &&
          now.workers.length > 0 &&
          now.lanes.length > 0
          ? now
          : undefined;
      });
      expect(seen.lanes[0]).toMatchObject({
        name: "fake/m",
        state: "open",
        concurrency: { allowed: 8 },
        requests: { used: expect.any(Number) },
      });
      expect(seen.lanes[0]?.requests).not.toHaveProperty("allowed");
      const [provider] = seen.providers;
      expect(provider?.queues.map(({ name }) => name)).toContain("fake-embedding");
      expect(provider?.upstreamMs?.p50).toBeGreaterThan(0);
      expect(provider?.firstTokenMs).toBeUndefined();
      expect(provider?.errorsByKind).toEqual({ server: 1 });
      expect(provider?.errorRate).toBeCloseTo(1 / calls);
      expect(seen.workers[0]).toMatchObject({ state: "alive", version: "test" });
      const { lines } = (await page.sendRequest("/api/history")).json();
      const items = lines.find(({ seriesKey }: { seriesKey: string }) => seriesKey === "items:fake");
      // A step of ten seconds may have ended in the meantime.
      expect(Math.max(...items.values.slice(-3))).toBeGreaterThan(0);
      expect(Object.keys(seen.latest.hour?.values ?? {})).toContain("queue-depth");
      expect((await page.sendRequest("/metrics")).text).toMatch(/^sluice_\w+\{.*provider="fake"/m);
    } finally {
      await harness.close();
    }
  });

  it("has the lanes of a run from its first snapshot on, everywhere", async () => {
    const [client, keys] = [redis.connect(), createKeys(redis.namespace)];
    const control = new RunControl(client, keys, "new");
    await control.register(Date.now());
    const lanes = JSON.stringify(["fake/m", "fake:b/m", "no lane", 5]);
    await control.updateMeta({ state: "running", items: 10, kind: "embedding", model: "fake/m", lanes });
    await control.acquireLease("somebody", 60_000);
    const names = ["fake/m", "fake:b/m"];
    const fresh = () => openDashboard({ redisUrl: redis.url, namespace: redis.namespace });
    await using first = await fresh();
    const seen: Overview = (await first.sendRequest("/api/overview")).json();
    expect(seen.lanes.map(({ name }) => name)).toEqual(names);
    expect(seen.runs.active).toMatchObject([{ run: "new", kind: "embedding" }]);
    await using second = await fresh();
    expect((await second.sendRequest("/metrics")).text).toMatch(/^sluice_lane_concurrency_limit\{lane="fake:b\/m"/m);
    const run = (await second.sendRequest("/api/runs/new")).json();
    expect(run).toMatchObject({ kind: "embedding", lanes: [{ name: "fake/m" }, { name: "fake:b/m" }] });
    // A retry that ended before the first snapshot of its coordinator reported no lanes.
    const snapshot = { runId: "new", model: "fake/m", phase: "done", lanes: [], startedAt: 0, workers: 0 };
    const stats = { snoozes: 0, tokens: 0, failuresByKind: {} };
    const items = { total: 1, succeeded: 1, failed: 0, inFlight: 0 };
    const calls = { made: 1, succeeded: 1, paidTwice: 0, throttled: 0 };
    await publishRun(client, keys, "new", {
      at: Date.now(),
      snapshot: { ...snapshot, ...stats, items, calls } as never,
    });
    const after = (await second.sendRequest("/api/runs/new")).json();
    expect(after.lanes.map(({ name }: { name: string }) => name)).toEqual(names);
  });

  it("shows that a queue is paused, and counts its waiting jobs", async () => {
    const client = await createClient({ redisUrl: redis.url, namespace: redis.namespace });
    const prefix = createKeys(redis.namespace).queuePrefix("fake-chat-interactive");
    const queue = new Queue("fake-chat-interactive", { connection: redis.connect(), prefix });
    try {
      await queue.pause();
      await client.submitChat({ model: "fake/m", messages: [{ role: "user", content: "x" }] });
      // Queues are only discovered every few seconds, but a new dashboard finds this one at once.
      await using fresh = await openDashboard({ redisUrl: redis.url, namespace: redis.namespace });
      const look = async (): Promise<Overview> => (await fresh.sendRequest("/api/overview")).json();
      const seen = await look();
      expect(seen.providers[0]?.queues).toMatchObject([{ waiting: 1, active: 0, paused: true }]);
      expect(seen.standalone).toEqual({ waiting: 1, active: 0 });
      await queue.resume();
      const after = await waitFor(async () => {
        const [only] = (await look()).providers[0]?.queues ?? [];
        return only?.paused ? undefined : only;
      });
      expect(after).toMatchObject({ waiting: 1 });
    } finally {
      await queue.close();
      await client.close();
    }
  });

  it("exports a run whose coordinator was killed", async () => {
    const [client, keys] = [redis.connect(), createKeys(redis.namespace)];
    for (const [run, ago] of [
      ["lost", 40_000],
      ["long-lost", 2 * 3600_000],
    ] as const) {
      const control = new RunControl(client, keys, run);
      await control.register(Date.now());
      await control.updateMeta({ state: "running", items: 10, model: "fake/m" });
      await publishRun(client, keys, run, { at: Date.now() - ago });
    }
    const text = await waitFor(async () => {
      const metrics = await page.sendRequest("/metrics");
      return /^sluice_runs\{state="stopped"\} 2$/m.test(metrics.text) ? metrics.text : undefined;
    });
    const [, seconds] = /^sluice_run_coordinator_lag_seconds\{run="lost"\} (\S+)$/m.exec(text) ?? [];
    expect(Number(seconds)).toBeGreaterThan(30);
    expect(text).not.toContain('{run="long-lost"');
  });

  it("changes the limits of a lane and shows them at once", async () => {
    const set = await page.post("/api/lanes/limits", { lane: "fake/m", requestsPerMinute: 30 });
    expect(set.json()).toMatchObject({ requests: { allowed: 30, set: true }, concurrency: { allowed: 8 } });
    const cleared = await page.post("/api/lanes/limits", { lane: "fake/m", clear: true });
    expect(cleared.json().requests).not.toHaveProperty("allowed");
    expect((await page.post("/api/lanes/limits", { lane: "typo/m", concurrency: 1 })).status).toBe(404);
    expect((await page.post("/api/lanes/limits", { lane: "fake/m" })).status).toBe(400);
    expect((await page.post("/api/lanes/limits", { lane: "fake/m", concurrency: 0 })).status).toBe(400);
  });
});

describe("events", () => {
  it("are sent at once, and again whenever something has changed", async () => {
    const client = redis.connect();
    const keys = createKeys(redis.namespace);
    const control = new RunControl(client, keys, "live");
    await control.register(Date.now());
    await control.updateMeta({ state: "running", items: 10, model: "fake/m" });
    await control.acquireLease("somebody", 60_000);
    const publish = (succeeded: number) =>
      publishRun(client, keys, "live", {
        at: Date.now(),
        snapshot: {
          runId: "live",
          model: "fake/m",
          phase: "running",
          items: { total: 10, succeeded, failed: 0, inFlight: 2 },
          calls: { made: 1, succeeded: 1, paidTwice: 0, throttled: 0 },
          snoozes: 0,
          tokens: 5,
          lanes: [],
          failuresByKind: {},
          startedAt: 0,
          workers: 1,
        },
      });
    await publish(1);
    let published = false;
    const events = await page.events("overview=1&runs=1&run=live", (seen) => {
      const runs = seen.filter(({ event }) => event === "run");
      if (runs.length > 0 && !published) {
        published = true;
        void publish(7);
      }
      return runs.at(-1)?.data.items.succeeded === 7;
    });
    const first = events.map(({ event }) => event).slice(0, 4);
    expect(first).toEqual(expect.arrayContaining(["health", "overview", "runs", "run"]));
    expect(events[0]).toMatchObject({ event: "health", data: { redis: { state: "ok" } } });
    const runs = events.filter(({ event }) => event === "run").map(({ data }) => data);
    expect(runs[0]).toMatchObject({ run: "live", phase: "running", items: { succeeded: 1, inFlight: 2 } });
    const history = (await page.sendRequest("/api/runs/live/history")).json();
    expect(history.lines.map(({ metric }: { metric: string }) => metric)).toContain("items");
  });

  it("report an unknown run and continue with the other topics", async () => {
    const events = await page.events("run=none&runs=1", (seen) => seen.some(({ event }) => event === "runs"));
    expect(events.find(({ event }) => event === "refused")?.data).toMatchObject({
      topic: "run",
      error: { code: "unknown-run" },
    });
  });

  it("follow the newest records of a run", async () => {
    const harness = await openInProcessHarness(redis);
    try {
      // Each event of the page lets one call end, so that the page follows the run before it has ended.
      let isShown = false;
      const held: (() => void)[] = [];
      const onCall = () => (isShown ? undefined : new Promise<void>((resolve) => held.push(resolve)));
      harness.worker(createFakeEmbedding({ onCall }));
      const keys = createKeys(redis.namespace);
      const control = new RunControl(redis.connect(), keys, "run");
      await control.register(Date.now());
      const following = page.events("records=run&overview=1", (seen) => {
        isShown = seen.some(({ event }) => event === "records");
        for (const release of held.splice(0, isShown ? held.length : 1)) release();
        return isShown;
      });
      await harness.coordinate(makeItems(2_000));
      const { data } = (await following).find(({ event }) => event === "records") ?? {};
      expect(data.run).toBe("run");
      expect(data.records[0]).toMatchObject({ dimensions: 4, attempts: 1, vector: expect.any(Array) });
    } finally {
      await harness.close();
    }
  });
});

describe("the newest records", () => {
  const frame = (index: number) =>
    encodeRecords([{ index, attempts: 1, tokens: 3, vector: Buffer.from(new Float32Array(4).buffer) }], 4);

  it("of a slow run are all shown, although each is trimmed at once", async () => {
    const [client, keys] = [redis.connect(), createKeys(redis.namespace)];
    const control = new RunControl(client, keys, "slow");
    await control.register(Date.now());
    await control.updateMeta({ state: "running", items: 10, model: "fake/m" });
    const { results } = keys.run("slow");
    const commit = async (index: number) => {
      const pipeline = client.pipeline();
      pipeline.xadd(results, "*", "f", frame(index));
      pipeline.xtrim(results, "MAXLEN", 0);
      await pipeline.exec();
    };
    const seen = async () =>
      (await page.sendRequest("/api/runs/slow/records")).json().records.map(({ index }: { index: number }) => index);
    const following = page.events("records=slow", (events) =>
      events.some(({ data }) => data.records?.some(({ index }: { index: number }) => index === 5)),
    );
    await waitFor(async () => {
      await commit(0);
      return (await seen()).includes(0);
    });
    for (const index of [1, 2, 3, 4, 5]) {
      await commit(index);
      await waitFor(async () => (await seen()).at(-1) === index, { what: `record ${index}` });
    }
    const records = (await following).flatMap(({ data }) => data.records ?? []);
    expect(new Set(records.map(({ index }) => index))).toEqual(new Set([0, 1, 2, 3, 4, 5]));
  });

  it("of a run without a coordinator come from its folder", async () => {
    const [client, keys] = [redis.connect(), createKeys(redis.namespace)];
    using made = new RunFixture("still");
    const vector = [1, 0, 0, 0];
    const starts = { a: 5_000, b: 9_000, c: 7_000 };
    const items = Object.entries(starts).map(([id, startedAt]) => {
      return { id, text: id, vector, call: { lane: "fake/m", startedAt, durationMs: 500 } };
    });
    await made.create(items, { client, keys });
    const { records } = (await page.sendRequest("/api/runs/still/records")).json();
    expect(records).toMatchObject([
      { index: 0, id: "a", at: 5_500 },
      { index: 2, id: "c", at: 7_500 },
      { index: 1, id: "b", at: 9_500, attempts: 2, tokens: 3, vector, dimensions: 4 },
    ]);
  });
});

describe("live chats", () => {
  let source: RedisSource;
  let host: WorkerHost;
  let go: PromiseWithResolvers<void>;

  beforeEach(() => {
    go = Promise.withResolvers<void>();
    source = openRedis(parseRedisUrl(redis.url));
    const keys = createKeys(redis.namespace);
    const chat = createFakeChat({
      onDelta: async (delta) => {
        if (delta.startsWith("SECOND")) await go.promise;
      },
    });
    const lane = (model: string) => ({ provider: "fake", account: "default", model });
    host = startWorker({
      redis: source,
      keys,
      limiter: createRedisLimiter(source.connect("commands"), keys),
      capabilities: [{ provider: "fake", kind: "chat" }],
      embeddingLanes: () => [],
      chatLanes: (_, model) => [{ lane: lane(model), limits: { concurrency: 2 }, model: chat }],
      version: "test",
      log: silentLog,
    });
  });

  afterEach(async () => {
    await host.stop();
    await source.close();
  });

  it("are listed while they run, and an operator can follow their deltas", async () => {
    await using guarded = await openDashboard({
      redisUrl: redis.url,
      namespace: redis.namespace,
      passwords: true,
    });
    const [viewer, operator] = [await guarded.signIn(VIEWER), await guarded.signIn(OPERATOR)];
    const client = await createClient({ redisUrl: redis.url, namespace: redis.namespace });
    try {
      const hostile = "first <script>alert(1)</script> second";
      const request = { model: "fake/m", messages: [{ role: "user" as const, content: hostile }] };
      const { id } = await client.submitChat({ ...request, stream: true });
      const list = await waitFor(async () => {
        const { chats } = (await guarded.sendRequest("/api/chats", { cookie: viewer })).json();
        return chats.length > 0 ? chats : undefined;
      });
      expect(list).toMatchObject([{ item: id, model: "fake/m", isStreaming: true }]);
      expect(JSON.stringify(list)).not.toContain("script");

      const refused = await guarded.events(
        `chat=${id}`,
        (seen) => seen.some(({ event }) => event === "refused"),
        viewer,
      );
      expect(refused.at(-1)?.data).toMatchObject({ topic: "chat", error: { code: "not-allowed" } });

      const events = await guarded.events(
        `chat=${id}`,
        (seen) => {
          if (seen.some(({ event }) => event === "chat")) go.resolve();
          return seen.some(({ event, data }) => event === "chat" && data.type === "end");
        },
        operator,
      );
      const deltas = events.filter(({ event }) => event === "chat").map(({ data }) => data);
      const text = deltas.map((one) => (one.type === "text" ? one.delta : "")).join("");
      expect(text).toBe(hostile.toUpperCase());
      expect(deltas.at(-1)).toMatchObject({ item: id, type: "end", finishReason: "stop" });
      const { lines } = (await guarded.sendRequest("/api/audit", { cookie: operator })).json();
      expect(lines[0]).toMatchObject({ action: "follow", target: id });
      const unknown = await guarded.events("chat=none", (seen) => seen.length > 1, operator);
      expect(unknown.at(-1)?.data).toMatchObject({ topic: "chat", error: { code: "unknown-chat" } });
    } finally {
      go.resolve();
      await client.close();
    }
  });

  it("that can be followed come first, with their progress", async () => {
    const providers = () => ["fake", "crowd"];
    await using crowded = await openDashboard({
      redisUrl: redis.url,
      namespace: redis.namespace,
      providers,
    });
    const client = await createClient({ redisUrl: redis.url, namespace: redis.namespace });
    const keys = createKeys(redis.namespace);
    try {
      // Active chats of a run, as workers hold them: more than are shown.
      const shared = { connection: redis.connect(), prefix: keys.queuePrefix("crowd-chat") };
      const bulk = new Queue("crowd-chat", shared);
      const held = new Worker("crowd-chat", undefined, { ...shared, autorun: false });
      const payload = (index: number) => {
        const items = [{ index, tokens: 1, request: null }];
        return { v: 2, kind: "chat", provider: "crowd", model: "m", run: "r", items };
      };
      await bulk.addBulk(Array.from({ length: 120 }, (_, i) => ({ name: "chat", data: payload(i) })));
      for (let i = 0; i < 120; i++) await held.getNextJob("token");
      const request = { model: "fake/m", messages: [{ role: "user" as const, content: "first second" }] };
      const { id } = await client.submitChat({ ...request, stream: true });
      const list = await waitFor(async () => {
        const now = (await crowded.sendRequest("/api/chats")).json();
        // The queues are sampled one after the other, so the new item may be listed before the chats of the run.
        const isListed = now.chats[0]?.item === id && now.chats[0].state === "answering" && now.total === 121;
        return isListed ? now : undefined;
      });
      expect(list.chats[0]).toMatchObject({ item: id, attempt: 1, isStreaming: true });
      expect(list.chats).toHaveLength(100);
      expect(list.total).toBe(121);
      expect(list.chats[1]).toMatchObject({ run: "r", index: 119 });
      expect(list.chats[1]).not.toHaveProperty("state");
      await held.close(true);
      await bulk.close();
    } finally {
      go.resolve();
      await client.close();
    }
  });

  it("appear in the queue board without their requests", async () => {
    const client = await createClient({ redisUrl: redis.url, namespace: redis.namespace });
    try {
      const request = { model: "fake/m", messages: [{ role: "user" as const, content: "first second" }] };
      const { id } = await client.submitChat({ ...request, stream: true });
      const job = await waitFor(async () => {
        const { queues } = (
          await page.sendRequest(
            "/queues/act/api/queues?activeQueue=fake-chat-interactive&status=active&page=1&jobsPerPage=10",
          )
        ).json();
        return queues.flatMap(({ jobs }: { jobs: unknown[] }) => jobs)[0];
      });
      expect(job.data).toMatchObject({ provider: "fake", model: "m", items: [{ item: id }] });
      expect(JSON.stringify(job)).not.toContain("first");
      const change = (method: string, path: string) =>
        page.sendRequest(`/queues/act/api/queues/fake-chat-interactive/${path}`, {
          method,
          body: {},
          headers: { "sec-fetch-site": "same-origin" },
        });
      for (const [method, path] of [
        ["PUT", "obliterate"],
        ["PUT", "empty"],
        ["POST", "add"],
        ["PUT", `clean/wait`],
        ["PATCH", `${job.id}/update-data`],
      ] as const) {
        expect((await change(method, path)).status).toBe(403);
      }
      expect((await change("PUT", "pause")).status).toBe(200);
      expect((await change("PUT", "resume")).status).toBe(200);
      const viewing = await page.sendRequest("/queues/view/api/queues/fake-chat-interactive/pause", {
        method: "PUT",
        body: {},
        headers: { "sec-fetch-site": "same-origin" },
      });
      expect(viewing.status).toBe(403);
    } finally {
      go.resolve();
      await client.close();
    }
  });
});

describe.runIf(hasRedisServer())("an unavailable Redis", () => {
  it("is reported on every page, blocks no request, and recovers", async () => {
    const server = await startRedisProcess();
    try {
      await using away = await openDashboard({ redisUrl: server.url, namespace: "unavailable" });
      expect((await away.sendRequest("/api/overview")).status).toBe(200);
      let step = 0;
      const answers: [string, number][] = [];
      const events = await away.events("overview=1", (seen) => {
        const states = seen.filter(({ event }) => event === "health").map(({ data }) => data.redis.state);
        if (step === 0 && states.length === 1) {
          step = 1;
          void server.kill();
        }
        if (step === 1 && states.at(-1) === "unavailable") {
          step = 2;
          void (async () => {
            for (const path of ["/api/runs/x", "/api/audit", "/queues/act/api/queues", "/api/session"]) {
              answers.push([path, (await away.sendRequest(path)).status]);
            }
            answers.push(["since", (await away.sendRequest("/metrics")).text.includes("sluice_redis_up") ? 1 : 0]);
            await server.start();
          })();
        }
        return step === 2 && states.at(-1) === "ok";
      });
      expect(answers).toEqual([
        ["/api/runs/x", 503],
        ["/api/audit", 503],
        ["/queues/act/api/queues", 503],
        ["/api/session", 200],
        ["since", 1],
      ]);
      const health = events.filter(({ event }) => event === "health").map(({ data }) => data);
      expect(health.map(({ redis: { state } }) => state)).toEqual(["ok", "unavailable", "ok"]);
      expect(health[1].redis.since).toBeLessThanOrEqual(health[1].at);
      expect((await away.sendRequest("/api/overview")).status).toBe(200);
    } finally {
      await server.stop();
    }
  });

  it("is detected when it keeps its connections but does not answer", async () => {
    const server = await startRedisProcess();
    try {
      await using silent = await openDashboard({ redisUrl: server.url, namespace: "silent" });
      expect((await silent.sendRequest("/api/audit")).status).toBe(200);
      process.kill(server.pid(), "SIGSTOP");
      expect((await silent.sendRequest("/api/audit")).status).toBe(503);
      process.kill(server.pid(), "SIGCONT");
      await waitFor(async () => (await silent.sendRequest("/api/audit")).status === 200);
    } finally {
      await server.stop();
    }
  });

  it("gives a page that is opened in the meantime the latest snapshot", async () => {
    const server = await startRedisProcess();
    try {
      await using away = await openDashboard({ redisUrl: server.url, namespace: "last" });
      expect((await away.sendRequest("/api/overview")).status).toBe(200);
      await server.kill();
      const events = await away.events("overview=1&runs=1&run=none", (seen) =>
        ["overview", "runs"].every((name) => seen.some(({ event }) => event === name)),
      );
      expect(events[0]).toMatchObject({ event: "health", data: { redis: { state: "unavailable" } } });
      expect(events.filter(({ event }) => event === "refused")).toEqual([]);
    } finally {
      await server.stop();
    }
  });
});

describe.runIf(hasRedisServer())("many open pages", () => {
  it("cost Redis no more than one page", async () => {
    const server = await startRedisProcess();
    try {
      await using shared = await openDashboard({ redisUrl: server.url, namespace: "many" });
      const query = "overview=1&runs=1&chats=1";
      const countLooks = (seen: readonly { event: string }[]) =>
        seen.filter(({ event }) => event === "overview").length;
      /** The number of commands that Redis executes while five snapshots are pushed to every page. */
      const cost = async (pages: number) => {
        const client = new Redis(server.url);
        const executed = async () => Number(/total_commands_processed:(\d+)/.exec(await client.info("stats"))?.[1]);
        let isMeasured = false;
        const opened = new Set<number>();
        const others = Array.from({ length: pages - 1 }, (_, n) =>
          shared.events(query, (seen) => {
            if (countLooks(seen) > 0) opened.add(n);
            return isMeasured;
          }),
        );
        // Opening the pages is not measured.
        await waitFor(() => opened.size === pages - 1, { what: "all pages to be open" });
        const counts: Promise<number>[] = [];
        await shared.events(query, (seen) => {
          if (countLooks(seen) > counts.length + 1) counts.push(executed());
          return counts.length > 5;
        });
        isMeasured = true;
        const [before = 0, ...later] = await Promise.all(counts);
        await Promise.all(others);
        client.disconnect();
        return (later.at(-1) ?? 0) - before;
      };
      await cost(1);
      const [one, many] = [await cost(1), await cost(40)];
      expect(many).toBeLessThan(one * 1.5);
    } finally {
      await server.stop();
    }
  });
});
