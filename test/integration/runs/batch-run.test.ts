import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "#src/core/clock.ts";
import { createRedisLimiter } from "#src/limiter/redis-limiter.ts";
import type { ItemQuery } from "#src/producer/items/item-query.ts";
import { createBatchExecution } from "#src/producer/run-kinds/batch/batch-kind.ts";
import { createBatchPlanner } from "#src/producer/run-kinds/batch/batch-planner.ts";
import type { PreparedRun } from "#src/producer/run-kinds/run-kind.ts";
import { executeRun } from "#src/producer/runs/execute-run.ts";
import { lockFolder } from "#src/producer/runs/folder/folder-lock.ts";
import { prepareRun } from "#src/producer/runs/prepare-run.ts";
import { type BatchManifest, readManifest } from "#src/producer/runs/run-manifest.ts";
import type { ChatModel, EmbeddingModel } from "#src/providers/provider.ts";
import { createRegistry } from "#src/providers/registry.ts";
import { openRedis, type RedisSource } from "#src/redis/connection.ts";
import { createKeys } from "#src/redis/keys.ts";
import { parseRedisUrl } from "#src/redis/url.ts";
import { startWorker, type WorkerHost } from "#src/workers/worker-host.ts";
import { silentLog } from "#src/workers/worker-log.ts";
import { createFakeChat } from "#test/support/fakes/fake-chat.ts";
import { createFakeEmbedding, createProviderError, DIMENSIONS, vectorOf } from "#test/support/fakes/fake-embedding.ts";
import { openTestRedis, type TestRedis } from "#test/support/redis/redis.ts";
import { waitFor } from "#test/support/wait-for.ts";

const MODELS = ["zhipu/glm-4-plus", "spark/max"] as const;

let redis: TestRedis;
let source: RedisSource;
let dir: string;
let hosts: WorkerHost[];

beforeEach(async () => {
  redis = openTestRedis();
  source = openRedis(parseRedisUrl(redis.url));
  dir = await mkdtemp(join(tmpdir(), "sluice-batch-"));
  hosts = [];
});

afterEach(async () => {
  await Promise.all(hosts.map((host) => host.stop()));
  await source.close();
  await redis.cleanup();
  await rm(dir, { recursive: true, force: true });
});

const keys = () => createKeys(redis.namespace);
const limits = { concurrency: 8 };
const laneOf = (name: string) => {
  const [provider = "", model = ""] = name.split("/");
  return { provider, account: "default", model };
};

function work(chat: (provider: string) => ChatModel, embedding: EmbeddingModel = createFakeEmbedding()): WorkerHost {
  const host = startWorker({
    redis: source,
    keys: keys(),
    limiter: createRedisLimiter(source.connect("commands"), keys()),
    capabilities: [
      { provider: "zhipu", kind: "chat" },
      { provider: "spark", kind: "chat" },
      { provider: "openai", kind: "embedding" },
    ],
    chatLanes: (provider, model) => [{ lane: laneOf(`${provider}/${model}`), limits, model: chat(provider) }],
    embeddingLanes: (provider, model) => [{ lane: laneOf(`${provider}/${model}`), limits, model: embedding }],
    version: "test",
    log: silentLog,
    options: { graceMs: 5_000 },
  });
  hosts.push(host);
  return host;
}

function writeRequests(requests: readonly object[]): void {
  writeFileSync(join(dir, "requests.jsonl"), requests.map((request) => JSON.stringify(request)).join("\n"));
}

function chatRequests(count: number, content: (n: number) => string = (n) => `question ${n}`): object[] {
  return Array.from({ length: count }, (_, n) => ({
    custom_id: `q-${n}`,
    method: "POST",
    url: "/v1/chat/completions",
    body: { model: MODELS[n % 2], messages: [{ role: "user", content: content(n) }] },
  }));
}

interface RunOptions {
  signal?: AbortSignal;
  windowSize?: number;
  retry?: ItemQuery;
}

async function prepare(out: string, { retry }: RunOptions): Promise<PreparedRun<BatchManifest>> {
  if (retry) {
    const manifest = (await readManifest(out)) as BatchManifest;
    return { dir: out, manifest, resumed: true, unlock: await lockFolder(join(out, ".work")) };
  }
  const batch = { path: "requests.jsonl", model: undefined, registry: createRegistry(), skipInvalid: false, cwd: dir };
  const request = {
    paths: ["requests.jsonl"],
    dir: out,
    force: false,
    sluiceVersion: "0.0.0",
    now: Date.now(),
  };
  const preparation = await prepareRun(request, createBatchPlanner(batch));
  if (preparation.outcome !== "ready") throw new Error(`the run is ${preparation.outcome}`);
  return preparation.run;
}

async function run(options: RunOptions = {}) {
  const prepared = await prepare(join(dir, "out"), options);
  const client = source.connect("commands");
  try {
    return await executeRun(prepared, createBatchExecution({ findMaxInputs: () => 10 }), {
      redis: source,
      keys: keys(),
      limiter: createRedisLimiter(client, keys()),
      lanes: prepared.manifest.models.map((name) => ({ lane: laneOf(name), limits })),
      windowSize: options.windowSize ?? 50,
      keepDatabase: false,
      retry: options.retry,
      clock: systemClock,
      onSnapshot: () => undefined,
      onEvent: () => undefined,
      signal: options.signal ?? new AbortController().signal,
    });
  } finally {
    await prepared.unlock();
  }
}

function output(name = "output.jsonl") {
  return readFileSync(join(dir, "out", name), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

test("requests for models of two providers are answered in one run, in order and once", async () => {
  const models = { zhipu: createFakeChat(), spark: createFakeChat() };
  work((provider) => (provider === "spark" ? models.spark : models.zhipu));
  writeRequests(chatRequests(230));
  const report = await run();
  expect(report).toMatchObject({ state: "finished", kind: "chat", items: { total: 230, succeeded: 230 } });
  expect(output().map((line) => [line.custom_id, line.response.body.choices[0].message.content])).toEqual(
    Array.from({ length: 230 }, (_, n) => [`q-${n}`, `QUESTION ${n}`]),
  );
  expect([models.zhipu.requests.length, models.spark.requests.length]).toEqual([115, 115]);
});

test("a request above the size limit of jobs arrives complete, and nothing of it remains in Redis", async () => {
  work(() => createFakeChat());
  writeRequests(chatRequests(12, (n) => `${n} ${"x".repeat(100_000)}`));
  await run();
  for (const [n, line] of output().entries())
    expect(line.response.body.choices[0].message.content).toBe(`${n} ${"X".repeat(100_000)}`);
  const left = await redis.connect().keys(`*${redis.namespace}*requests*`);
  expect(left).toEqual([]);
});

test("a request that the provider rejects has an error record; the others are answered", async () => {
  const chat = createFakeChat();
  work(() => ({
    ...chat,
    generate: async (request, call) => {
      if (request.messages[0]?.content === "question 7") throw createProviderError("content-filter", { code: "1301" });
      return await chat.generate(request, call);
    },
  }));
  writeRequests(chatRequests(20));
  const report = await run();
  expect(report.items).toMatchObject({ succeeded: 19, failed: 1 });
  expect(output()).toHaveLength(19);
  expect(output("errors.jsonl")).toEqual([
    expect.objectContaining({
      custom_id: "q-7",
      response: expect.objectContaining({ status_code: 400 }),
      error: null,
    }),
  ]);
});

test("a run that is stopped halfway resumes where it stopped, and sends nothing twice", async () => {
  const stop = new AbortController();
  const stopped = Promise.withResolvers<void>();
  const chat = createFakeChat();
  work(() => ({
    ...chat,
    generate: async (request, call) => {
      if (chat.requests.length >= 60) {
        stop.abort();
        await stopped.promise;
      }
      return await chat.generate(request, call);
    },
  }));
  writeRequests(chatRequests(300));
  await expect(run({ signal: stop.signal })).rejects.toThrow("interrupted");
  expect(chat.requests.length).toBeLessThan(300);
  stopped.resolve();
  await run();
  expect(output().map((line) => line.custom_id)).toEqual(Array.from({ length: 300 }, (_, n) => `q-${n}`));
  expect(chat.requests).toHaveLength(300);
});

test("a run continues after Redis has lost all its data, including large requests", async () => {
  const chat = createFakeChat();
  const flushed = Promise.withResolvers<void>();
  work(() => ({
    ...chat,
    generate: async (request, call) => {
      const answer = await chat.generate(request, call);
      if (chat.requests.length > 20) await flushed.promise;
      return answer;
    },
  }));
  writeRequests(chatRequests(120, (n) => (n % 10 === 0 ? "y".repeat(70_000) : `question ${n}`)));
  const admin = redis.connect();
  const running = run({ windowSize: 40 });
  await waitFor(() => chat.requests.length > 20, { what: "calls beyond the first 20" });
  const found = await admin.keys(`*${redis.namespace}*`);
  await admin.del(...found);
  flushed.resolve();
  const report = await running;
  expect(report.items).toMatchObject({ succeeded: 120, failed: 0 });
  expect(output().map((line) => line.custom_id)).toEqual(Array.from({ length: 120 }, (_, n) => `q-${n}`));
});

test("a model without account balance stops the run when the others are done, and the rerun continues", async () => {
  const chat = createFakeChat();
  let broke = true;
  work((provider) => ({
    ...chat,
    generate: async (request, call) => {
      if (provider === "spark" && broke) throw createProviderError("quota");
      return await chat.generate(request, call);
    },
  }));
  writeRequests(chatRequests(20));
  await expect(run()).rejects.toThrow("quota");
  expect(chat.requests).toHaveLength(10);
  broke = false;
  const report = await run();
  expect(report.items).toMatchObject({ succeeded: 20 });
  expect(chat.requests).toHaveLength(20);
});

test("a parked model does not block others, even if its requests come first and would fill the window", async () => {
  const chat = createFakeChat();
  let broke = true;
  work((provider) => ({
    ...chat,
    generate: async (request, call) => {
      if (provider === "spark" && broke) throw createProviderError("quota");
      return await chat.generate(request, call);
    },
  }));
  const both = chatRequests(180);
  const ofSpark = both.filter((_, n) => n % 2 === 1).slice(0, 60);
  const ofZhipu = both.filter((_, n) => n % 2 === 0).slice(0, 30);
  writeRequests([...ofSpark, ...ofZhipu].map((request, n) => ({ ...request, custom_id: `q-${n}` })));
  await expect(run({ windowSize: 20 })).rejects.toThrow("quota");
  expect(chat.requests).toHaveLength(30);
  broke = false;
  const report = await run({ windowSize: 20 });
  expect(report.items).toMatchObject({ succeeded: 90 });
  expect(chat.requests).toHaveLength(90);
  expect(output().map((line) => line.custom_id)).toEqual(Array.from({ length: 90 }, (_, n) => `q-${n}`));
});

test("texts of embedding requests share calls, and their vectors have the format that each request asked for", async () => {
  const embedding = createFakeEmbedding();
  work(() => createFakeChat(), embedding);
  const requests = Array.from({ length: 40 }, (_, n) => ({
    custom_id: `e-${n}`,
    method: "POST",
    url: "/v1/embeddings",
    body: {
      model: "openai/text-embedding-3-small",
      dimensions: DIMENSIONS,
      input: n % 4 === 0 ? `text ${n}` : [`text ${n}`, `more ${n}`],
      encoding_format: n % 2 === 0 ? "float" : "base64",
    },
  }));
  writeRequests(requests);
  await run();
  for (const [n, { custom_id: id, response }] of output().entries()) {
    expect(id).toBe(`e-${n}`);
    const vectors = response.body.data.map(({ embedding: one }: { embedding: string | number[] }) =>
      typeof one === "string"
        ? new Float32Array(new Uint8Array(Buffer.from(one, "base64")).buffer)
        : Float32Array.from(one),
    );
    const texts = [requests[n]?.body.input ?? []].flat();
    expect(vectors).toEqual(texts.map(vectorOf));
  }
  expect(embedding.calls.length).toBeLessThanOrEqual(8);
});

test("counts empty answers, keeps what a retry of them needs, and cleans up after a kill at the end of a run", async () => {
  writeRequests(chatRequests(3));
  const answers = createFakeChat();
  let isEmpty = true;
  work(() => ({
    ...answers,
    generate: async (request, call) => {
      const answer = await answers.generate(request, call);
      return isEmpty ? { ...answer, text: "" } : answer;
    },
  }));
  expect(await run()).toMatchObject({ items: { succeeded: 3, failed: 0 }, emptyAnswers: 3 });
  expect(existsSync(join(dir, "out", "run.db"))).toBe(true);
  isEmpty = false;
  const retried = await run({ retry: { isEmpty: true } });
  expect(retried).toMatchObject({ items: { succeeded: 3 } });
  expect(retried.emptyAnswers).toBeUndefined();
  expect(existsSync(join(dir, "out", "run.db"))).toBe(false);
  const left = join(dir, "out", ".work");
  mkdirSync(left);
  await expect(run()).rejects.toThrow("finished");
  expect(existsSync(left)).toBe(false);
});

test.each([
  ["a refusal", { refusal: "no, not this" }],
  ["an image", { extra: { message: { images: [{ type: "image_url" }] } } }],
  ["parts that are not text", { extra: { message: { content: [{ type: "image_url" }] } } }],
  ["sound", { extra: { message: { audio: { id: "a", data: "" } } } }],
  ["a moderation", { extra: { results: [{ flagged: false }] } }],
])("an answer without text is not empty if it has %s", async (_, more) => {
  writeRequests(chatRequests(1));
  const answers = createFakeChat();
  const generate: ChatModel["generate"] = async (request, call) => ({
    ...(await answers.generate(request, call)),
    text: "",
    ...more,
  });
  work(() => ({ ...answers, generate }));
  const { items, emptyAnswers } = await run();
  expect({ items, emptyAnswers }).toMatchObject({ items: { succeeded: 1 } });
  expect(emptyAnswers).toBeUndefined();
});

test("counts refusals apart from other answers, and keeps them in the output", async () => {
  writeRequests(chatRequests(3));
  const answers = createFakeChat();
  let calls = 0;
  work(() => ({
    ...answers,
    generate: async (request, call) => {
      const answer = await answers.generate(request, call);
      calls += 1;
      return calls === 1 ? { ...answer, text: "", refusal: "no, not this" } : answer;
    },
  }));
  expect(await run()).toMatchObject({ items: { succeeded: 3, failed: 0 }, refusals: 1 });
  const messages = output().map(({ response }) => response.body.choices[0].message);
  expect(messages.filter(({ refusal }) => refusal === "no, not this")).toMatchObject([{ content: null }]);
});
