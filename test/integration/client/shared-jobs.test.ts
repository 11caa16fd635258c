import { Queue } from "bullmq";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createRedisLimiter } from "#src/limiter/redis-limiter.ts";
import { createClient } from "#src/producer/client/create-client.ts";
import type { SluiceClient } from "#src/producer/client/sluice-client.ts";
import type { ChatModel, EmbeddingModel } from "#src/providers/provider.ts";
import { openRedis, type RedisSource } from "#src/redis/connection.ts";
import { createKeys, type Keys } from "#src/redis/keys.ts";
import { parseRedisUrl } from "#src/redis/url.ts";
import { startWorker, type WorkerHost } from "#src/workers/worker-host.ts";
import { silentLog } from "#src/workers/worker-log.ts";
import { createFakeChat } from "#test/support/fakes/fake-chat.ts";
import { createFakeEmbedding, createProviderError, vectorOf } from "#test/support/fakes/fake-embedding.ts";
import { openTestRedis, type TestRedis } from "#test/support/redis/redis.ts";
import { waitFor } from "#test/support/wait-for.ts";

let redis: TestRedis;
let keys: Keys;
let client: SluiceClient;
let source: RedisSource;
let queues: Map<string, Queue>;
let host: WorkerHost | undefined;

beforeEach(async () => {
  redis = openTestRedis();
  source = openRedis(parseRedisUrl(redis.url));
  keys = createKeys(redis.namespace);
  client = await createClient({ redisUrl: redis.url, namespace: redis.namespace });
  queues = new Map(
    ["fake-chat-interactive", "fake-embedding-interactive"].map((name) => [
      name,
      new Queue(name, { connection: source.connect("bullmq"), prefix: keys.queuePrefix(name) }),
    ]),
  );
});

afterEach(async () => {
  await host?.stop();
  host = undefined;
  await Promise.all([...queues.values()].map((queue) => queue.close()));
  await client.close();
  await source.close();
  await redis.cleanup();
});

function queue(kind: "chat" | "embedding"): Queue {
  const found = queues.get(`fake-${kind}-interactive`);
  if (!found) throw new Error(kind);
  return found;
}

function startFake(chat: ChatModel, embedding: EmbeddingModel = createFakeEmbedding()): void {
  const lane = (model: string) => ({ provider: "fake", account: "default", model });
  host = startWorker({
    redis: source,
    keys,
    limiter: createRedisLimiter(source.connect("commands"), keys),
    capabilities: [
      { provider: "fake", kind: "chat" },
      { provider: "fake", kind: "embedding" },
    ],
    embeddingLanes: (_, model) => [{ lane: lane(model), limits: {}, model: embedding }],
    chatLanes: (_, model) => [{ lane: lane(model), limits: {}, model: chat }],
    version: "test",
    log: silentLog,
    options: { graceMs: 500 },
  });
}

const ask = (content: string) => ({ model: "fake/m", messages: [{ role: "user" as const, content }] });
const submitAll = (texts: readonly string[]) => Promise.all(texts.map((text) => client.submitChat(ask(text))));
const textOf = async (id: string) => {
  const record = await client.result(id);
  return record.status === "ok" ? record.response.text : record.failure.kind;
};

/** Sets the counter that BullMQ increments when a worker dies while it processes the job. */
async function markStalled(job: string, times: number): Promise<void> {
  await redis.connect().hset(queue("chat").toKey(job), "stc", times);
}

test("a hundred chat items submitted together become seven jobs, and each gets its own answer", async () => {
  const submitted = await submitAll(Array.from({ length: 100 }, (_, n) => `question ${n}`));
  expect(await queue("chat").getWaitingCount()).toBe(7);
  startFake(createFakeChat());
  const answers = await Promise.all(submitted.map(({ id }) => textOf(id)));
  expect(answers).toEqual(Array.from({ length: 100 }, (_, n) => `QUESTION ${n}`));
});

test("a cancelled or failed item does not affect the others of its job", async () => {
  const [a, b, c] = await submitAll(["first", "second", "third"]);
  if (!a || !b || !c) throw new Error("three items");
  await client.cancel(b.id);
  const asked: string[] = [];
  const chat = createFakeChat();
  startFake({
    ...chat,
    generate: async (request, call) => {
      const { content } = request.messages[0] ?? {};
      asked.push(String(content));
      return await chat.generate(request, call);
    },
  });
  expect([await textOf(a.id), await textOf(c.id)]).toEqual(["FIRST", "THIRD"]);
  expect(asked.sort()).toEqual(["first", "third"]);
  // A reservation was requested before the cancellation of the second item was known.
  const limiter = createRedisLimiter(redis.connect(), keys);
  const lane = { provider: "fake", account: "default", model: "m" };
  await waitFor(
    async () => {
      const { requests, concurrency } = await limiter.status(lane, {});
      return requests.used === 2 && concurrency.used === 0;
    },
    { what: "the lane to count two calls, and none in flight" },
  );
  await waitFor(async () => (await queue("chat").getActiveCount()) === 0, { what: "the job to end" });
});

test("an item with an idempotency key has its own job, and the same job when it is submitted again", async () => {
  const keyed = { ...ask("keyed"), idempotencyKey: "once" };
  const [first, , again] = await Promise.all([
    client.submitChat(keyed),
    client.submitChat(ask("other")),
    client.submitChat(keyed),
  ]);
  expect(again).toEqual(first);
  const jobs = await queue("chat").getWaiting();
  expect(jobs.map(({ data }) => data.items.length)).toEqual([1, 1]);
});

test("after a job has killed workers twice, its items are tried one at a time", async () => {
  const [a, poison, b] = await submitAll(["first", "poison", "last"]);
  if (!a || !poison || !b) throw new Error("three items");
  await markStalled(a.id, 2);
  const gate = Promise.withResolvers<void>();
  const asked: string[] = [];
  const chat = createFakeChat();
  startFake({
    ...chat,
    generate: async (request, call) => {
      const content = String(request.messages[0]?.content);
      asked.push(content);
      if (content === "poison") await gate.promise;
      return await chat.generate(request, call);
    },
  });
  expect(await textOf(a.id)).toBe("FIRST");
  await waitFor(() => asked.includes("poison"), { what: "the second item to be called" });
  // If a worker died now, this item would have one claim more, and the last item none.
  expect(await redis.connect().hget(keys.item(b.id).state, "claims")).toBeNull();
  gate.resolve();
  expect([await textOf(poison.id), await textOf(b.id)]).toEqual(["POISON", "LAST"]);
  expect(asked).toEqual(["first", "poison", "last"]);
});

test("an item whose calls killed workers three times fails alone with the reason", async () => {
  const [a, poison] = await submitAll(["first", "poison"]);
  if (!a || !poison) throw new Error("two items");
  await markStalled(a.id, 3);
  await redis.connect().hset(keys.item(poison.id).state, "claims", 3, "claims:0", 3);
  startFake(createFakeChat());
  expect([await textOf(a.id), await textOf(poison.id)]).toEqual(["FIRST", "crash-loop"]);
});

test("items that were waiting while their worker died do not fail, however often that happened", async () => {
  const items = await submitAll(Array.from({ length: 20 }, (_, n) => `question ${n}`));
  for (const { id } of items) await redis.connect().hset(keys.item(id).state, "claims", 9);
  startFake(createFakeChat());
  const answers = await Promise.all(items.map(({ id }) => textOf(id)));
  expect(answers).toEqual(Array.from({ length: 20 }, (_, n) => `QUESTION ${n}`));
});

test("only calls that never ended count against an item that is called alone", async () => {
  const [a] = await submitAll(["first"]);
  if (!a) throw new Error("one item");
  const state = keys.item(a.id).state;
  await redis.connect().hset(state, "claims", 2);
  const counts: (string | null)[] = [];
  const chat = createFakeChat();
  startFake({
    ...chat,
    generate: async (request, call) => {
      counts.push(await redis.connect().hget(state, "claims:0"));
      if (counts.length < 3) throw createProviderError("throttled", { retryAfterMs: 1 });
      return await chat.generate(request, call);
    },
  });
  expect(await textOf(a.id)).toBe("FIRST");
  expect(counts).toEqual(["1", "1", "1"]);
});

test("texts of an embedding item that killed workers are tried one at a time, and none fails untried", async () => {
  const { id } = await client.submitEmbedding({ model: "fake/e", inputs: ["a", "b", "c"] });
  await redis.connect().hset(keys.item(id).state, "claims", 2);
  const calls: (readonly string[])[] = [];
  startFake(createFakeChat(), createFakeEmbedding({ onCall: (texts) => void calls.push(texts) }));
  const records = await client.vectors(id);
  expect(records.map((record) => record.status)).toEqual(["ok", "ok", "ok"]);
  expect(records.map((record) => record.status === "ok" && [...record.vector])).toEqual(
    ["a", "b", "c"].map((text) => [...vectorOf(text)]),
  );
  expect(calls).toEqual([["a"], ["b"], ["c"]]);
});
