import { createHash } from "node:crypto";
import { addAbortListener } from "node:events";
import { Queue } from "bullmq";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createRedisLimiter } from "#src/limiter/redis-limiter.ts";
import { createClient } from "#src/producer/client/create-client.ts";
import type { SluiceClient } from "#src/producer/client/sluice-client.ts";
import type { StreamEvent } from "#src/producer/client/stream-events.ts";
import type { ChatModel } from "#src/providers/provider.ts";
import type { ChatPayload } from "#src/queues/payload.ts";
import { openRedis, type RedisSource } from "#src/redis/connection.ts";
import { createKeys } from "#src/redis/keys.ts";
import { parseRedisUrl } from "#src/redis/url.ts";
import { registerItem } from "#src/state/items/item-store.ts";
import { startWorker, type WorkerHost } from "#src/workers/worker-host.ts";
import { silentLog } from "#src/workers/worker-log.ts";
import { createFakeChat } from "#test/support/fakes/fake-chat.ts";
import { createFakeEmbedding, createProviderError, vectorOf } from "#test/support/fakes/fake-embedding.ts";
import { openTestRedis, type TestRedis } from "#test/support/redis/redis.ts";
import { waitFor } from "#test/support/wait-for.ts";

let redis: TestRedis;
let client: SluiceClient;
let source: RedisSource;
let hosts: WorkerHost[];

beforeEach(async () => {
  redis = openTestRedis();
  source = openRedis(parseRedisUrl(redis.url));
  client = await createClient({ redisUrl: redis.url, namespace: redis.namespace });
  hosts = [];
});

afterEach(async () => {
  await Promise.all(hosts.map((host) => host.stop()));
  await client.close();
  await source.close();
  await redis.cleanup();
});

function startFake(chat: ChatModel, embedding = createFakeEmbedding(), concurrency = 8): WorkerHost {
  const keys = createKeys(redis.namespace);
  const lane = (model: string) => ({ provider: "fake", account: "default", model });
  const host = startWorker({
    redis: source,
    keys,
    limiter: createRedisLimiter(source.connect("commands"), keys),
    capabilities: [
      { provider: "fake", kind: "chat" },
      { provider: "fake", kind: "embedding" },
    ],
    embeddingLanes: (_, model) => [{ lane: lane(model), limits: { concurrency }, model: embedding }],
    chatLanes: (_, model) => [{ lane: lane(model), limits: { concurrency }, model: chat }],
    version: "test",
    log: silentLog,
    options: { graceMs: 2_000 },
  });
  hosts.push(host);
  return host;
}

const ask = (content: string) => ({ model: "fake/m", messages: [{ role: "user" as const, content }] });

async function collect(events: AsyncIterable<StreamEvent>): Promise<StreamEvent[]> {
  const all: StreamEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

function textOf(events: readonly StreamEvent[]): string {
  let text = "";
  for (const event of events) {
    if (event.type === "reset") text = "";
    else if (event.type === "delta") text += event.text;
  }
  return text;
}

test("a result can be read by another client than the submitter", async () => {
  startFake(createFakeChat());
  const { id } = await client.submitChat({ ...ask("hello world"), metadata: { ticket: 7 } });
  const other = await createClient({ redisUrl: redis.url, namespace: redis.namespace });
  const record = await other.result(id);
  expect(record).toMatchObject({ status: "ok", attempts: 1, response: { text: "HELLO WORLD" } });
  expect(await other.status(id)).toMatchObject({ state: "done", model: "fake/m", metadata: { ticket: 7 } });
  await other.close();
});

test("deltas arrive live and add up to the record, whose length and hash are in the end event", async () => {
  startFake(createFakeChat());
  const { id } = await client.submitChat({ ...ask("one two three"), stream: true });
  const events = await collect(client.stream(id));
  expect(textOf(events)).toBe("ONE TWO THREE");
  const sha256 = createHash("sha256").update("ONE TWO THREE").digest("hex");
  expect(events.at(-1)).toMatchObject({ type: "end", length: 13, sha256 });
  expect(await client.result(id)).toMatchObject({ response: { text: "ONE TWO THREE" } });
});

test("a reader that stops resumes from its last event without gaps or duplicates", async () => {
  const gate = Promise.withResolvers<void>();
  startFake(createFakeChat({ onDelta: (delta) => (delta === "THREE " ? gate.promise : undefined) }));
  const { id } = await client.submitChat({ ...ask("one two three four"), stream: true });
  const first: StreamEvent[] = [];
  for await (const event of client.stream(id)) {
    first.push(event);
    if (textOf(first) === "ONE TWO ") break;
  }
  gate.resolve();
  const rest = await collect(client.stream(id, { after: first.at(-1)?.id ?? "" }));
  expect(textOf([...first, ...rest])).toBe("ONE TWO THREE FOUR");
});

test("if an answer is interrupted, readers get a reset and the complete new answer", async () => {
  startFake(
    createFakeChat({
      onDelta: (delta, attempt) => {
        if (attempt === 1 && delta === "THREE") throw createProviderError("bad-response");
      },
    }),
  );
  const { id } = await client.submitChat({ ...ask("one two three"), stream: true });
  const events = await collect(client.stream(id));
  expect(events.map((event) => event.type)).toContain("reset");
  expect(textOf(events)).toBe("ONE TWO THREE");
  expect(await client.result(id)).toMatchObject({ status: "ok", attempts: 2 });
});

test("reading a finished item yields the same, whether it was streamed or not", async () => {
  startFake(createFakeChat());
  const streamed = await client.submitChat({ ...ask("a b c"), stream: true });
  const plain = await client.submitChat(ask("d e f"));
  await client.result(streamed.id);
  await client.result(plain.id);
  expect(textOf(await collect(client.stream(streamed.id)))).toBe("A B C");
  expect(textOf(await collect(client.stream(plain.id)))).toBe("D E F");
});

test("the same idempotency key yields the same item, which is called once", async () => {
  const chat = createFakeChat();
  startFake(chat);
  const submit = () => client.submitChat({ ...ask("once"), idempotencyKey: "order 66" });
  const [a, b] = await Promise.all([submit(), submit()]);
  await client.result(a.id);
  const c = await submit();
  expect(new Set([a.id, b.id, c.id]).size).toBe(1);
  await client.result(c.id);
  expect(chat.requests).toHaveLength(1);
});

test("an idempotency key that was used for another request is rejected, and nothing is submitted", async () => {
  const chat = createFakeChat();
  startFake(chat);
  const { id } = await client.submitChat({ ...ask("once"), idempotencyKey: "order 67" });
  await client.result(id);
  const others = [
    client.submitChat({ ...ask("twice"), idempotencyKey: "order 67" }),
    client.submitChat({ ...ask("once"), temperature: 0.5, idempotencyKey: "order 67" }),
    client.submitEmbedding({ model: "minimax/embo-01", inputs: ["once"], idempotencyKey: "order 67" }),
  ];
  for (const other of others) await expect(other).rejects.toThrow("another request was submitted with the same key");
  expect(chat.requests).toHaveLength(1);
});

test("an unknown ID is reported immediately", async () => {
  await expect(client.result("c-unknown")).rejects.toThrow("no item");
  await expect(collect(client.stream("c-unknown"))).rejects.toThrow("no item");
  await expect(client.cancel("c-unknown")).rejects.toThrow("no item");
  expect(await client.status("c-unknown")).toBeUndefined();
});

test("a cancelled item ends for its readers, and its call is aborted", async () => {
  let aborted = false;
  startFake(
    createFakeChat({
      onDelta: async (delta, _, { signal }) => {
        if (delta !== "B ") return;
        await new Promise((resolve) => addAbortListener(signal, resolve));
        aborted = true;
      },
    }),
  );
  const { id } = await client.submitChat({ ...ask("a b c"), stream: true });
  const reading = collect(client.stream(id));
  await waitFor(async () => (await client.status(id))?.state === "running", { what: "the item to run" });
  expect(await client.cancel(id)).toBe("running");
  expect((await reading).at(-1)).toMatchObject({ type: "error", failure: { kind: "cancelled" } });
  expect(await client.result(id)).toMatchObject({ status: "failed", failure: { kind: "cancelled" } });
  await waitFor(() => aborted, { what: "the aborted call" });
});

test("waiting can be aborted; the item continues", async () => {
  const gate = Promise.withResolvers<void>();
  startFake({
    ...createFakeChat(),
    generate: async (request, call) => {
      await gate.promise;
      return createFakeChat().generate(request, call);
    },
  });
  const { id } = await client.submitChat(ask("late"));
  await expect(client.result(id, { timeoutMs: 100 })).rejects.toThrow("has no record after 100 ms");
  gate.resolve();
  expect(await client.result(id)).toMatchObject({ status: "ok" });
});

test("a request above the size limit of jobs arrives complete", async () => {
  startFake(createFakeChat());
  const { id } = await client.submitChat(ask("x".repeat(200_000)));
  const record = await client.result(id);
  expect(record.status === "ok" && record.response.text.length).toBe(200_000);
});

test("an unknown model fails the item with a definite error", async () => {
  const chat = createFakeChat();
  startFake({
    ...chat,
    generate: () => {
      throw createProviderError("invalid-request");
    },
  });
  const { id } = await client.submitChat(ask("hello"));
  expect(await client.result(id)).toMatchObject({ status: "failed" });
});

test("an interactive item overtakes earlier bulk items", async () => {
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  const chat = createFakeChat();
  startFake(
    {
      ...chat,
      generate: async (request, call) => {
        if (order.length === 0) {
          order.push("first");
          await gate.promise;
        } else order.push(String(request.messages[0]?.content));
        return chat.generate(request, call);
      },
    },
    createFakeEmbedding(),
    1,
  );
  const bulk = await Promise.all(
    Array.from({ length: 30 }, (_, i) => client.submitChat({ ...ask(`bulk ${i}`), priority: "bulk" })),
  );
  await waitFor(() => order.length === 1);
  const { id } = await client.submitChat({ ...ask("now"), priority: "interactive" });
  await waitFor(async () => (await client.status(id))?.state === "running");
  gate.resolve();
  await Promise.all([id, ...bulk.map((one) => one.id)].map((one) => client.result(one)));
  expect(order.indexOf("now")).toBeLessThanOrEqual(2);
});

test("a thousand texts submitted one by one are packed into full calls", async () => {
  // The first calls are held until all texts are submitted, so that the packing does not depend on the speed of that.
  const gate = Promise.withResolvers<void>();
  const embedding = createFakeEmbedding({ onCall: () => gate.promise });
  startFake(createFakeChat(), embedding, 4);
  const texts = Array.from({ length: 1_000 }, (_, i) => `text ${i}`);
  const items = await Promise.all(texts.map((text) => client.submitEmbedding({ model: "fake/e", inputs: [text] })));
  gate.resolve();
  const results = await Promise.all(items.map(({ id }) => client.vectors(id)));
  results.forEach((records, i) => {
    expect(records).toMatchObject([{ status: "ok", vector: vectorOf(texts[i] ?? "") }]);
  });
  expect(embedding.calls.length).toBeLessThanOrEqual(105);
});

test("an item that is cancelled while it waits in a worker is never called", async () => {
  const gate = Promise.withResolvers<void>();
  const chat = createFakeChat();
  const asked: string[] = [];
  startFake(
    {
      ...chat,
      generate: async (request, call) => {
        asked.push(String(request.messages[0]?.content));
        await gate.promise;
        return chat.generate(request, call);
      },
    },
    createFakeEmbedding(),
    1,
  );
  const first = await client.submitChat(ask("first"));
  await waitFor(() => asked.length === 1, { what: "the first call" });
  const second = await client.submitChat(ask("second"));
  await waitFor(async () => (await client.status(second.id))?.state === "running");
  expect(await client.cancel(second.id)).toBe("running");
  const queue = `${createKeys(redis.namespace).queuePrefix("fake-chat-interactive")}:fake-chat-interactive`;
  const looker = redis.connect();
  // The worker has released it while the only slot of the lane is still in use.
  await waitFor(async () => (await looker.exists(`${queue}:${second.id}`)) === 0, {
    what: "the dropped job",
  });
  gate.resolve();
  expect(await client.result(first.id)).toMatchObject({ status: "ok" });
  expect(asked).toEqual(["first"]);
});

test("a job that starts before its item is registered waits for the registration", async () => {
  const chat = createFakeChat();
  startFake(chat);
  const keys = createKeys(redis.namespace);
  const queue = new Queue("fake-chat-interactive", {
    connection: source.connect("bullmq"),
    prefix: keys.queuePrefix("fake-chat-interactive"),
  });
  const request = { messages: [{ role: "user" as const, content: "early" }] };
  const names = { provider: "fake", model: "m" };
  const items = [{ index: 0, item: "c-early", tokens: 5, request }];
  const payload: ChatPayload = { v: 2, kind: "chat", ...names, items };
  await queue.add("chat", payload, { jobId: "c-early", removeOnComplete: true });
  await waitFor(async () => (await queue.getDelayedCount()) === 1, { what: "the job to be requeued" });
  const item = { kind: "chat", model: "fake/m", total: 1, submittedAt: Date.now() } as const;
  await registerItem(redis.connect(), keys, "c-early", item, 60_000);
  expect(await client.result("c-early")).toMatchObject({ status: "ok", response: { text: "EARLY" } });
  await queue.close();
});

test("waiting without a worker is reported once, as a warning unless the caller handles it, and in a timeout", async () => {
  const { id } = await client.submitChat({ ...ask("hello"), stream: true });
  const reported: string[] = [];
  const stream = collect(client.stream(id, { onNoWorker: (message) => reported.push(message) }));
  const warning = new Promise<Error>((resolve) => process.once("warning", resolve));
  const result = client.result(id);
  await waitFor(() => reported.length > 0, { what: "the report of the stream" });
  expect(await warning).toMatchObject({ code: "SLUICE_NO_WORKER", message: reported[0] });
  expect(reported).toEqual([
    expect.stringMatching(/^no worker that takes chat jobs of fake is running, .*"sluice worker"/),
  ]);
  await expect(client.result(id, { timeoutMs: 1 })).rejects.toThrow(
    /after 1 ms: no worker that takes chat jobs of fake/,
  );
  startFake(createFakeChat());
  expect(textOf(await stream)).toBe("HELLO");
  expect(await result).toMatchObject({ status: "ok" });
  expect(reported).toHaveLength(1);
});
