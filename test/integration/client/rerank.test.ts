import { afterEach, beforeEach, expect, test } from "vitest";
import { createRedisLimiter } from "#src/limiter/redis-limiter.ts";
import { createClient } from "#src/producer/client/create-client.ts";
import type { SluiceClient } from "#src/producer/client/sluice-client.ts";
import { createRegistry } from "#src/providers/registry.ts";
import { createTransport } from "#src/providers/transport/http.ts";
import { MAX_JOB_BYTES } from "#src/queues/payload.ts";
import { openRedis } from "#src/redis/connection.ts";
import { createKeys } from "#src/redis/keys.ts";
import { parseRedisUrl } from "#src/redis/url.ts";
import { SIMULATOR_API_KEY, type Simulator, startSimulator } from "#src/simulator/simulator.ts";
import { startWorker } from "#src/workers/worker-host.ts";
import { silentLog } from "#src/workers/worker-log.ts";
import { openTestRedis, type TestRedis } from "#test/support/redis/redis.ts";

const COHERE = "cohere/rerank-v3.5";
const TEI = "text-embeddings-inference/bge-reranker";

let redis: TestRedis;
let simulator: Simulator;
let client: SluiceClient;
let cleanups: AsyncDisposableStack;

beforeEach(async () => {
  cleanups = new AsyncDisposableStack();
  redis = openTestRedis();
  cleanups.defer(() => redis.cleanup());
  simulator = await startSimulator();
  cleanups.defer(() => simulator.close());
  client = await createClient({ redisUrl: redis.url, namespace: redis.namespace });
  cleanups.defer(() => client.close());
});
afterEach(() => cleanups.disposeAsync());

function startRerankWorker(): void {
  const registry = createRegistry();
  const transport = createTransport();
  cleanups.defer(() => transport.close());
  const source = openRedis(parseRedisUrl(redis.url));
  cleanups.defer(() => source.close());
  const keys = createKeys(redis.namespace);
  const urls: Readonly<Record<string, string>> = {
    cohere: simulator.cohereUrl,
    "text-embeddings-inference": simulator.openaiUrl,
  };
  const host = startWorker({
    redis: source,
    keys,
    limiter: createRedisLimiter(source.connect("commands"), keys),
    capabilities: Object.keys(urls).map((provider) => ({ provider, kind: "rerank" })),
    chatLanes: () => [],
    embeddingLanes: () => [],
    rerankLanes: (provider, name) => {
      const account = { baseUrl: urls[provider] ?? "", apiKey: SIMULATOR_API_KEY };
      const model = registry.createProvider(provider, account, transport).rerank?.(name);
      const lane = { provider, account: "default", model: name };
      return model ? [{ lane, limits: { concurrency: 8 }, model }] : [];
    },
    version: "test",
    log: silentLog,
    options: { graceMs: 2_000 },
  });
  cleanups.defer(async () => void (await host.stop()));
}

test("documents are ranked by their relevance, and another client reads the same", async () => {
  startRerankWorker();
  const request = { model: COHERE, query: "spring birds", documents: ["rain", "spring birds sing", "stones"] };
  const { results, usage } = await client.rerank(request);
  expect(results.map(({ index }) => index)[0]).toBe(1);
  expect(results.map(({ index }) => index).sort()).toEqual([0, 1, 2]);
  expect(usage).toEqual({ totalTokens: 1 });
  const { id } = await client.submitRerank({ ...request, metadata: { ticket: 7 } });
  const other = await createClient({ redisUrl: redis.url, namespace: redis.namespace });
  cleanups.defer(() => other.close());
  expect(await other.ranking(id)).toMatchObject({ status: "ok", attempts: 1, response: { results } });
  expect(await other.status(id)).toMatchObject({
    kind: "rerank",
    state: "done",
    model: COHERE,
    metadata: { ticket: 7 },
  });
});

test("more documents than a call takes become several calls, and one ranking", async () => {
  startRerankWorker();
  const documents = Array.from({ length: 70 }, (_, n) => (n === 33 ? "spring birds" : `stone ${n}`));
  const { results, usage, calls } = await client.rerank({ model: TEI, query: "spring birds", documents });
  expect(results[0]?.index).toBe(33);
  expect(results.map(({ index }) => index).sort((a, b) => a - b)).toEqual(documents.map((_, index) => index));
  expect(results.every(({ score }, i) => score <= (results[i - 1]?.score ?? score))).toBe(true);
  expect(usage.totalTokens).toBeGreaterThan(70);
  expect(calls).toHaveLength(3);
  expect(simulator.statistics().calls).toBe(3);
});

test("a request that is too large for a job is ranked", async () => {
  startRerankWorker();
  const documents = Array.from({ length: 20 }, (_, n) => `${"spring rain ".repeat(MAX_JOB_BYTES / 200)}${n}`);
  const { results } = await client.rerank({ model: COHERE, query: "rain", documents });
  expect(results).toHaveLength(20);
});

test("a refused request fails with the provider's words, also if only a part of its documents is refused", async () => {
  startRerankWorker();
  const action = { type: "status", status: 422, body: '{"error":"no such thing","error_type":"validation"}' } as const;
  simulator.configure({ faults: [{ text: "forbidden", action }] });
  const documents = Array.from({ length: 40 }, (_, n) => (n === 35 ? "forbidden" : `stone ${n}`));
  const failure = { name: "ItemFailedError", kind: "invalid-request" };
  await expect(client.rerank({ model: TEI, query: "stone", documents })).rejects.toMatchObject(failure);
  expect(await client.rerank({ model: TEI, query: "stone", documents: ["a"] })).toMatchObject({
    results: [{ index: 0 }],
  });
});

test("the same key is the same item, another request with it is an error, and an empty document is refused", async () => {
  startRerankWorker();
  const request = { model: COHERE, query: "rain", documents: ["rain", "sun"], idempotencyKey: "order 66" };
  const [a, b] = await Promise.all([client.submitRerank(request), client.submitRerank(request)]);
  expect(a).toEqual(b);
  await client.ranking(a.id);
  expect(simulator.statistics().calls).toBe(1);
  const other = { ...request, documents: ["rain", "moon"] };
  await expect(client.submitRerank(other)).rejects.toThrow("another request was submitted with the same key");
  const empty = { model: COHERE, query: "rain", documents: ["a", " "] };
  await expect(client.submitRerank(empty)).rejects.toThrow("submitRerank: documents[1] is empty");
  await expect(client.submitRerank({ ...empty, documents: [] })).rejects.toThrow("submitRerank: documents");
});

test("an item without a worker for its provider says which one is missing", async () => {
  const { id } = await client.submitRerank({ model: COHERE, query: "rain", documents: ["a"] });
  await expect(client.ranking(id, { timeoutMs: 100 })).rejects.toThrow("no worker that takes rerank jobs of cohere");
});
