import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Item } from "#src/core/item.ts";
import { AnswerCache } from "#src/producer/cache/answer-cache.ts";
import { createEmbeddingKey } from "#src/producer/cache/answer-key.ts";
import { AnswerResolver } from "#src/producer/cache/answer-resolver.ts";
import { createKeys } from "#src/redis/keys.ts";
import { CLAIM_MS, SingleFlightClaims } from "#src/state/answer-claims/single-flight-claims.ts";
import type { WireRecord } from "#src/state/record-format/record-codec.ts";
import { createFakeClock, type FakeClock } from "#test/support/fakes/fake-clock.ts";
import { openTestRedis, type TestRedis } from "#test/support/redis/redis.ts";
import { waitFor } from "#test/support/wait-for.ts";

let redis: TestRedis;
let client: Redis;
let dir: string;
let clock: FakeClock;
let opened: AnswerResolver[];

beforeEach(async () => {
  redis = openTestRedis();
  client = redis.connect();
  dir = await mkdtemp(join(tmpdir(), "sluice-reuse-"));
  clock = createFakeClock();
  opened = [];
});

afterEach(async () => {
  for (const cacheLookup of opened) await cacheLookup.close();
  await redis.cleanup();
  await rm(dir, { recursive: true, force: true });
});

const scope = { provider: "fake", addresses: [], model: "m", parameters: { purpose: "db" } };
const keys = () => createKeys(redis.namespace);
const claims = (run: string) => new SingleFlightClaims(client, keys(), run);
const claimKeys = () => client.keys(`${keys().answers.claim}:*`);

/** A run with a cache in its own folder or in a shared one. */
async function openRun(run: string, folder = "shared"): Promise<AnswerResolver> {
  const cache = await AnswerCache.open(join(dir, folder), { maxBytes: 1e8, now: () => clock.now(), notify: failTest });
  const cacheLookup = new AnswerResolver({
    ...{ cache, claims: claims(run), computeKey: createEmbeddingKey(scope), clock },
    dimensions: () => 2,
  });
  opened.push(cacheLookup);
  return cacheLookup;
}

function makeItems(count: number, from = 0): Item[] {
  return Array.from({ length: count }, (_, index) => ({
    ...{ index, id: `${index}`, text: `text ${from + index}`, tokens: 2 },
  }));
}

function answered(index: number): WireRecord {
  return { index, attempts: 1, tokens: 3, vector: Buffer.from(Float32Array.of(index, 0.5).buffer) };
}

function failTest(message: string): void {
  expect.fail(message);
}

const indices = (list: readonly { readonly index: number }[]) => list.map(({ index }) => index);

/** Retries waiting items until there is a result. */
async function waitForAnswers(cacheLookup: AnswerResolver) {
  return await waitFor(
    async () => {
      const news = await cacheLookup.retryWaiting();
      return news.send.length + news.records.length > 0 ? news : undefined;
    },
    { what: "an answer, or the right to ask" },
  );
}

describe("concurrent runs with equal items", () => {
  test.each([
    ["over one folder", "shared"],
    ["without a folder in common", "elsewhere"],
  ])("make one call, %s", async (_, folder) => {
    const [first, second] = [await openRun("run-1"), await openRun("run-2", folder)];
    const items = makeItems(1_200);
    expect(indices((await first.resolve(items)).send)).toEqual(indices(items));
    expect(await second.resolve(items)).toEqual({ send: [], records: [] });
    expect(second.waiting).toBe(1_200);
    expect(await second.retryWaiting()).toEqual({ send: [], records: [] });
    first.recordResults(items.map(({ index }) => answered(index)));
    const got: WireRecord[] = [];
    while (second.waiting > 0) {
      const { send, records } = await waitForAnswers(second);
      expect(send).toEqual([]);
      got.push(...records);
    }
    expect(got.sort((a, b) => a.index - b.index)).toEqual(
      items.map(({ index }) => ({ ...answered(index), attempts: 0 })),
    );
    await waitFor(async () => (await claimKeys()).length === 0, { what: "all claims to be released" });
  });

  test("share their work if they start at different items", async () => {
    const [first, second] = [await openRun("run-1"), await openRun("run-2")];
    await first.resolve(makeItems(10));
    expect(indices((await second.resolve(makeItems(10, 5))).send)).toEqual([5, 6, 7, 8, 9]);
    expect(second.waiting).toBe(5);
  });

  test("send an item once that is resolved again while it waits", async () => {
    const [first, second] = [await openRun("run-1"), await openRun("run-2")];
    const items = makeItems(6);
    await first.resolve(items);
    await second.resolve(items);
    await first.close();
    expect(indices((await second.resolve(items.slice(0, 4))).send)).toEqual([0, 1, 2, 3]);
    expect(indices((await second.retryWaiting()).send)).toEqual([4, 5]);
    expect(second.waiting).toBe(0);
  });

  test("take over items that one of them failed or released", async () => {
    const [first, second, third] = [await openRun("run-1"), await openRun("run-2"), await openRun("run-3")];
    const items = makeItems(3);
    await first.resolve(items);
    await second.resolve(items);
    const failure = { kind: "invalid-request", message: "no" } as const;
    first.recordResults([{ index: 1, attempts: 1, tokens: 0, failure }]);
    expect(indices((await waitForAnswers(second)).send)).toEqual([1]);
    await first.close();
    expect(indices((await waitForAnswers(second)).send)).toEqual([0, 2]);
    expect((await third.resolve(items)).send).toEqual([]);
    expect(third.waiting).toBe(3);
  });

  test("take over from a killed run when its claims have expired, and not while it renews them", async () => {
    const [first, second] = [await openRun("run-1"), await openRun("run-2")];
    const items = makeItems(2);
    await first.resolve(items);
    await second.resolve(items);
    // As if the TTL had almost expired; a renewal resets it.
    for (const key of await claimKeys()) await client.pexpire(key, 2_000);
    await clock.advance(CLAIM_MS);
    await first.tick({});
    for (const key of await claimKeys()) expect(await client.pttl(key)).toBeGreaterThan(CLAIM_MS - 5_000);
    const expiresAt = Date.now() + 200;
    for (const key of await claimKeys()) await client.pexpireat(key, expiresAt);
    // The claims of a paused run expire, like those of a killed one.
    await clock.advance(CLAIM_MS);
    await first.tick({ isPaused: true });
    expect(indices((await waitForAnswers(second)).send)).toEqual([0, 1]);
  });

  test("keep their claims when a process resumes the same run", async () => {
    const before = await openRun("run-1");
    const items = makeItems(4);
    await before.resolve(items);
    const after = await openRun("run-1");
    await after.resume(items.slice(0, 2));
    expect(indices((await after.resolve(items.slice(2))).send)).toEqual([2, 3]);
    after.recordResults([answered(0)]);
    const other = await openRun("run-2");
    await waitFor(async () => (await claimKeys()).length === 3, { what: "a claim to be released" });
    expect(indices((await other.resolve(items)).records)).toEqual([0]);
  });

  test("make the call even if Redis accepts no claims", async () => {
    const cacheLookup = await openRun("run-1");
    const broken = redis.connect({ maxRetriesPerRequest: 0, enableOfflineQueue: false });
    broken.disconnect();
    const alone = new AnswerResolver({
      ...{
        claims: new SingleFlightClaims(broken, keys(), "run-9"),
        computeKey: createEmbeddingKey(scope),
        clock,
      },
      cache: await AnswerCache.open(join(dir, "alone"), { maxBytes: 1e8, now: () => clock.now(), notify: failTest }),
    });
    opened.push(alone);
    await cacheLookup.resolve(makeItems(3));
    expect(indices((await alone.resolve(makeItems(3))).send)).toEqual([0, 1, 2]);
  });
});

test("a cached vector of a different length is a miss", async () => {
  const cacheLookup = await openRun("run-1");
  await cacheLookup.resolve(makeItems(1));
  cacheLookup.recordResults([
    { index: 0, attempts: 1, tokens: 1, vector: Buffer.from(Float32Array.of(1, 2, 3).buffer) },
  ]);
  await waitFor(async () => (await claimKeys()).length === 0, { what: "the claim to be released" });
  const later = await openRun("run-2");
  expect(indices((await later.resolve(makeItems(1))).send)).toEqual([0]);
});

test("claims are made in batches of hundreds, and leave nothing in Redis", async () => {
  let scripts = 0;
  const counting: Redis = Object.create(client, {
    evalsha: {
      value: (...args: Parameters<Redis["evalsha"]>) => {
        scripts += 1;
        return client.evalsha(...args);
      },
    },
  });
  const all = new SingleFlightClaims(counting, keys(), "run-1");
  const hashes = Array.from({ length: 5_000 }, (_, n) => n.toString(16).padStart(32, "0"));
  expect(await all.acquire(hashes)).toEqual(hashes.map(() => "ours"));
  await all.renew(hashes);
  expect(await claimKeys()).toHaveLength(5_000);
  await all.settle(hashes, () => undefined);
  expect(scripts).toBe(30);
  expect(await client.keys(`${redis.namespace}:*{answers}:*`)).toEqual([]);
});
