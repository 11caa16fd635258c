import { Worker } from "bullmq";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Clock, systemClock } from "#src/core/clock.ts";
import { createRedisLimiter } from "#src/limiter/redis-limiter.ts";
import { createClientFrom } from "#src/producer/client/create-client.ts";
import { openRedis, type RedisSource, type RedisSourceOptions } from "#src/redis/connection.ts";
import { createKeys } from "#src/redis/keys.ts";
import type { RedisEvent } from "#src/redis/redis-event.ts";
import { parseRedisUrl } from "#src/redis/url.ts";
import { QueueWatchdog } from "#src/workers/jobs/queue-watchdog.ts";
import { type ConnectWorker, SupervisedWorker } from "#src/workers/supervised-worker.ts";
import { startWorker } from "#src/workers/worker-host.ts";
import { silentLog } from "#src/workers/worker-log.ts";
import { createFakeEmbedding } from "#test/support/fakes/fake-embedding.ts";
import { type LatencyProxy, startLatencyProxy } from "#test/support/redis/latency-proxy.ts";
import { openTestRedis, type TestRedis } from "#test/support/redis/redis.ts";
import { makeItems, openInProcessHarness } from "#test/support/runs/in-process-harness.ts";
import { waitFor } from "#test/support/wait-for.ts";

let redis: TestRedis;
let proxy: LatencyProxy;
const stack: AsyncDisposableStack[] = [];

beforeEach(async () => {
  redis = openTestRedis();
  proxy = await startLatencyProxy(redis.url, 0);
  const opened = new AsyncDisposableStack();
  opened.defer(() => redis.cleanup());
  opened.defer(() => proxy.close());
  stack.push(opened);
});

afterEach(() => stack.pop()?.disposeAsync());

/** Connections through the proxy. */
function connect(options: RedisSourceOptions = {}): RedisSource {
  const source = openRedis(parseRedisUrl(proxy.url), options);
  stack.at(-1)?.defer(() => source.close());
  return source;
}

test("a connection whose replies get lost is reported and opened again, and its commands get their replies", async () => {
  const events: RedisEvent[] = [];
  const source = connect({ replyTimeoutMs: 1_000, onEvent: (event) => events.push(event) });
  const client = source.connect("commands");
  await client.ping();
  proxy.loseReplies();
  expect(await client.set(`${redis.namespace}:key`, "value")).toBe("OK");
  expect(events.slice(0, 2)).toMatchObject([{ kind: "error", message: "no reply for 1 s" }, { kind: "disconnected" }]);
});

test("the client submits and reads items after the replies of its connections got lost", async () => {
  const client = createClientFrom(connect({ replyTimeoutMs: 1_000 }), redis.namespace);
  const request = { model: "fake/m", messages: [{ role: "user" as const, content: "Hello" }] };
  const { id } = await client.submitChat(request);
  proxy.loseReplies();
  expect(await client.status(id)).toMatchObject({ state: "queued" });
  await client.submitChat(request);
  await client.close();
});

test("connections that are open but never reply are closed nevertheless", async () => {
  const source = connect({ replyTimeoutMs: 60_000 });
  const client = source.connect("commands");
  await client.ping();
  proxy.loseReplies();
  const pending = expect(client.ping()).rejects.toThrow("Connection is closed");
  await source.close();
  await pending;
});

test("a worker whose connections do not reply is replaced, and the run finishes", { timeout: 120_000 }, async () => {
  const harness = await openInProcessHarness(redis);
  stack.at(-1)?.defer(() => harness.close());
  const model = createFakeEmbedding();
  const connectWorker: ConnectWorker = async (onStuck) => {
    // Without a time-out of replies, as if ioredis had lost a command.
    const source = openRedis(parseRedisUrl(proxy.url), { replyTimeoutMs: 600_000 });
    const lane = { provider: "fake", account: "default", model: "m" };
    const host = startWorker({
      redis: source,
      keys: createKeys(redis.namespace),
      limiter: createRedisLimiter(source.connect("commands"), createKeys(redis.namespace)),
      capabilities: [{ provider: "fake", kind: "embedding" }],
      chatLanes: () => [],
      embeddingLanes: () => [{ lane, limits: { concurrency: 4 }, model }],
      version: "test",
      log: silentLog,
      onStuck,
      options: { graceMs: 100 },
    });
    return { host, close: () => source.close() };
  };
  const warnings: unknown[] = [];
  const log = { ...silentLog, warn: (...line: unknown[]) => void warnings.push(line) };
  const worker = new SupervisedWorker(connectWorker, log);
  await (await worker.start()).ready;
  proxy.loseReplies();
  await harness.coordinate(makeItems(40));
  expect(model.calls.flat()).toHaveLength(40);
  expect(warnings).toEqual([
    [
      "worker is stuck: starting another one with new connections",
      { reason: "Redis replies on a new connection, but not on that of the worker" },
    ],
  ]);
  await worker.stop();
  await worker.close();
});

/** A hundred times as fast. `checks`: how often a watchdog has started a check. */
function createFastClock(): Clock & { checks: number } {
  const clock = {
    ...systemClock,
    checks: -1,
    monotonic: () => performance.now() * 100,
    sleep(ms: number, signal?: AbortSignal) {
      clock.checks += 1;
      return systemClock.sleep(ms / 100, signal);
    },
  };
  return clock;
}

test("a queue whose jobs nobody takes is reported, unless it is paused, full, or taken from", async () => {
  const source = connect();
  const client = source.connect("commands");
  const keys = createKeys(redis.namespace);
  const queue = "fake-embedding";
  const prefix = `${keys.queuePrefix(queue)}:${queue}`;
  await client.rpush(`${prefix}:wait`, "job-1");
  const clock = createFastClock();
  let activity = 0;
  const state = { isTaking: false, hasRoom: true };
  const worker = {
    queue,
    get activity() {
      if (state.isTaking) activity += 1;
      return activity;
    },
    get hasRoom() {
      return state.hasRoom;
    },
    promote: async () => undefined,
  };
  const onStuck = vi.fn();
  const watchdog = new QueueWatchdog({ redis: source, client, keys, clock, workers: [worker], onStuck });
  await waitFor(() => onStuck.mock.calls.length > 0, { what: "a report" });
  expect(onStuck).toHaveBeenCalledWith("no job was taken from fake-embedding for 10 s, although jobs wait there");

  const expectSilence = async () => {
    const before = clock.checks;
    // The check in progress may still report.
    await waitFor(() => clock.checks > before + 1, { what: "a check" });
    onStuck.mockClear();
    await waitFor(() => clock.checks > before + 8, { what: "further checks" });
    expect(onStuck).not.toHaveBeenCalled();
  };
  state.hasRoom = false;
  await expectSilence();
  state.hasRoom = true;
  await client.hset(`${prefix}:meta`, "paused", "1");
  await expectSilence();
  await client.hdel(`${prefix}:meta`, "paused");
  state.isTaking = true;
  await expectSilence();
  watchdog.stop();
});

test("a job that another worker returned with a clock that is an hour ahead is taken", async () => {
  const harness = await openInProcessHarness(redis);
  stack.at(-1)?.defer(() => harness.close());
  const gate = Promise.withResolvers<void>();
  const model = createFakeEmbedding({ onCall: () => gate.promise });
  const finished = harness.coordinate(makeItems(20));
  const queue = "fake-embedding";
  const prefix = harness.keys.queuePrefix(queue);
  const client = redis.connect();
  await waitFor(async () => (await client.llen(`${prefix}:${queue}:wait`)) > 0, { what: "the job" });
  const other = new Worker(queue, undefined, { connection: redis.connect({ maxRetriesPerRequest: null }), prefix });
  const job = await other.getNextJob("token");
  await job?.moveToDelayed(Date.now() + 3_600_000, "token");
  await other.close();
  gate.resolve();
  harness.worker(model);
  await finished;
  expect(model.calls.flat()).toHaveLength(20);
});
