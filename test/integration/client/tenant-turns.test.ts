import { afterEach, beforeEach, expect, test } from "vitest";
import { createRedisLimiter } from "#src/limiter/redis-limiter.ts";
import { createClient } from "#src/producer/client/create-client.ts";
import type { SluiceClient } from "#src/producer/client/sluice-client.ts";
import { openRedis, type RedisSource } from "#src/redis/connection.ts";
import { createKeys, type Keys } from "#src/redis/keys.ts";
import { parseRedisUrl } from "#src/redis/url.ts";
import { startWorker, type WorkerHost } from "#src/workers/worker-host.ts";
import { silentLog } from "#src/workers/worker-log.ts";
import { createFakeChat } from "#test/support/fakes/fake-chat.ts";
import { openTestRedis, type TestRedis } from "#test/support/redis/redis.ts";
import { waitFor } from "#test/support/wait-for.ts";

let redis: TestRedis;
let keys: Keys;
let client: SluiceClient;
let source: RedisSource;
const hosts: WorkerHost[] = [];
/** The texts of the calls, in the order in which they were made. */
let called: string[] = [];
/** Calls that have begun wait for it. */
let gate = Promise.withResolvers<void>();

beforeEach(async () => {
  redis = openTestRedis();
  source = openRedis(parseRedisUrl(redis.url));
  keys = createKeys(redis.namespace);
  client = await createClient({ redisUrl: redis.url, namespace: redis.namespace });
  called = [];
  gate = Promise.withResolvers<void>();
});

afterEach(async () => {
  gate.resolve();
  await Promise.all(hosts.splice(0).map((host) => host.stop()));
  await client.close();
  await source.close();
  await redis.cleanup();
});

/** A worker that holds few jobs, on a lane with few calls at once. */
function startFake(): void {
  const chat = createFakeChat();
  const generate: typeof chat.generate = async (request, call) => {
    called.push(String(request.messages[0]?.content));
    await gate.promise;
    return await chat.generate(request, call);
  };
  const host = startWorker({
    redis: source,
    keys,
    limiter: createRedisLimiter(source.connect("commands"), keys),
    capabilities: [{ provider: "fake", kind: "chat" }],
    embeddingLanes: () => [],
    chatLanes: (provider, model) => [
      { lane: { provider, account: "default", model }, limits: { concurrency: 4 }, model: { ...chat, generate } },
    ],
    version: "test",
    log: silentLog,
    options: { graceMs: 500, jobs: 10 },
  });
  hosts.push(host);
}

/** Submits items one after the other, as requests arrive, so that each has its own job. */
async function submit(
  name: string,
  count: number,
  options: { weight?: number; priority?: "bulk" | "interactive" } = {},
) {
  const { weight = 1, priority = "bulk" } = options;
  const tenant = name === "operator" ? {} : { tenant: { id: name, weight } };
  const submitted = [];
  for (let n = 0; n < count; n++) {
    const messages = [{ role: "user" as const, content: `${name} ${n}` }];
    submitted.push((await client.submitChat({ model: "fake/m", messages, priority, ...tenant })).id);
  }
  return submitted;
}

const finish = (ids: readonly string[]) => Promise.all(ids.map((id) => client.result(id)));
const countOf = (name: string, calls: readonly string[]) => calls.filter((text) => text.startsWith(`${name} `)).length;

test("a tenant with 90 % of the load does not delay another one beyond its fair share", async () => {
  const large = await submit("large", 900);
  startFake();
  // The large tenant fills the lane, the worker, and the queue before the small one begins.
  await waitFor(() => called.length === 4, { what: "the first calls" });
  const small = await submit("small", 100);
  const before = called.length;
  gate.resolve();
  await finish([...large, ...small]);
  const during = called.slice(before, called.findLastIndex((text) => text.startsWith("small ")) + 1);
  expect(countOf("small", during)).toBe(100);
  // With a fair share of one half, it would be done after 200 calls.
  expect(during.length).toBeLessThanOrEqual(1.1 * 200);
  // Neither stalls meanwhile.
  for (let at = 40; at + 40 <= during.length; at += 20) {
    expect(countOf("small", during.slice(at, at + 40))).toBeGreaterThanOrEqual(15);
    expect(countOf("large", during.slice(at, at + 40))).toBeGreaterThanOrEqual(15);
  }
});

test("weights divide a lane", async () => {
  const light = await submit("light", 200);
  const heavy = await submit("heavy", 150, { weight: 3 });
  startFake();
  gate.resolve();
  await finish([...light, ...heavy]);
  const during = called.slice(0, called.findLastIndex((text) => text.startsWith("heavy ")) + 1);
  // 150 of its own, and 50 of the other.
  expect(during.length).toBeGreaterThan(190);
  expect(during.length).toBeLessThanOrEqual(1.1 * 200);
});

test("the operator's own items take turns with those of tenants, and wait for nobody without them", async () => {
  const tenant = await submit("tenant", 100);
  // Whether tenants have jobs is looked up beside the first submission.
  const own = await submit("operator", 1);
  await waitFor(async () => (await redis.connect().zcard(keys.queueTurns("fake-chat").prioritized)) === 100, {
    what: "the jobs of the tenant",
  });
  own.push(...(await submit("operator", 50)));
  startFake();
  gate.resolve();
  await finish([...tenant, ...own]);
  const during = called.slice(0, called.findLastIndex((text) => text.startsWith("operator ")) + 1);
  expect(countOf("tenant", during)).toBeGreaterThanOrEqual(40);
  expect(during.length).toBeLessThanOrEqual(1.1 * 102);
});

test("interactive items go before the bulk items of every tenant", async () => {
  const bulk = await submit("large", 100);
  startFake();
  await waitFor(() => called.length === 4, { what: "the first calls" });
  const urgent = await submit("large", 5, { priority: "interactive" });
  const before = called.length;
  gate.resolve();
  await finish([...bulk, ...urgent]);
  const position = called.slice(before).findLastIndex((text) => ["large 0", "large 1", "large 2"].includes(text));
  expect(position).toBeLessThan(30);
});
