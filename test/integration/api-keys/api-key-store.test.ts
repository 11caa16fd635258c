import type { Redis } from "ioredis";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createKeys } from "#src/redis/keys.ts";
import { ApiKeyStore, type NewApiKey } from "#src/state/api-keys/api-key-store.ts";
import { describeKey } from "#test/support/api-keys/create-test-key.ts";
import { openTestRedis, type TestRedis } from "#test/support/redis/redis.ts";

let redis: TestRedis;
let client: Redis;
let now = 1_000;
let store: ApiKeyStore;

beforeEach(() => {
  redis = openTestRedis();
  client = redis.connect();
  now = Date.UTC(2027, 0, 1);
  store = new ApiKeyStore(client, createKeys(redis.namespace), () => now);
});
afterEach(() => redis.cleanup());

async function create(changes: Partial<NewApiKey> = {}) {
  const created = await store.create(describeKey(changes));
  if (!created) throw new Error("the name is taken");
  return created;
}

test("a new key authenticates, and Redis does not contain it", async () => {
  const { key, token } = await create({ models: ["minimax/*"], dailyBudget: 5 });
  expect(token).toMatch(/^sk-sluice-[0-9a-f]{16}-[\w-]{43}$/);
  expect(await store.authenticate(token)).toEqual({ key, state: "valid" });
  const stored = JSON.stringify(await client.hgetall(createKeys(redis.namespace).apiKeys.records));
  expect(stored).toContain(key.id);
  expect(stored).not.toContain(token.slice(-43));
  const other = await create({ name: "other" });
  expect(other.token).not.toBe(token);
});

test("nothing but the whole key authenticates", async () => {
  const { key, token } = await create();
  const last = token.endsWith("A") ? "B" : "A";
  const wrong = [
    undefined,
    "",
    "sk-proj-123",
    `${token} `,
    token.slice(0, -1),
    `${token.slice(0, -1)}${last}`,
    token.toUpperCase(),
    `sk-sluice-${key.id}-${key.hash}`,
    `sk-sluice-${"0".repeat(16)}-${token.slice(-43)}`,
    `sk-sluice-${"f".repeat(16)}-${token.slice(-43)}`,
  ];
  for (const text of wrong) expect(await store.authenticate(text)).toBeUndefined();
});

test("all texts that are no valid key cost one read of Redis", async () => {
  const { token } = await create();
  const reads: string[] = [];
  const counting = new Proxy(client, {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        if (name !== "emit") reads.push(String(name));
        return Reflect.apply(value, target, args);
      };
    },
  });
  const counted = new ApiKeyStore(counting, createKeys(redis.namespace), () => now);
  const texts = [
    undefined,
    "",
    "nonsense",
    `sk-sluice-${"f".repeat(16)}-${token.slice(-43)}`,
    `${token.slice(0, -1)}_`,
  ];
  for (const text of [...texts, token]) {
    reads.length = 0;
    await counted.authenticate(text);
    expect(reads, text).toEqual(["hget"]);
  }
});

test("a revoked key ends at once on every server, and keeps its other fields", async () => {
  const { key, token } = await create({ name: "ci", models: [] });
  const otherServer = new ApiKeyStore(redis.connect(), createKeys(redis.namespace), () => now);
  expect((await otherServer.authenticate(token))?.state).toBe("valid");
  now += 1;
  expect(await store.revoke(key.id)).toBe("revoked");
  expect(await otherServer.authenticate(token)).toEqual({ key: { ...key, revokedAt: now }, state: "revoked" });
  expect(await store.revoke(key.id)).toBe("known");
  expect(await store.revoke("f".repeat(16))).toBe("gone");
  expect(await store.list()).toEqual([{ ...key, revokedAt: now }]);
});

test("a key expires", async () => {
  const { token } = await create({ expiresAt: now + 1_000 });
  now += 999;
  expect((await store.authenticate(token))?.state).toBe("valid");
  now += 1;
  expect((await store.authenticate(token))?.state).toBe("expired");
});

test("the name of a valid key is taken; that of a revoked or expired one is free", async () => {
  const first = await create({ name: "ci", expiresAt: now + 1_000 });
  expect(await store.create(describeKey({ name: "ci" }))).toBeUndefined();
  now += 1_000;
  const second = await create({ name: "ci" });
  await store.revoke(second.key.id);
  const third = await create({ name: "ci" });
  const found = await store.find("ci");
  expect(found.map(({ id }) => id).sort()).toEqual([first, second, third].map(({ key }) => key.id).sort());
  expect(await store.find(third.key.id)).toEqual([third.key]);
  expect(await store.find("nobody")).toEqual([]);
});

test("of many creations with one name at the same moment, one succeeds", async () => {
  const created = await Promise.all(Array.from({ length: 20 }, () => store.create(describeKey({ name: "ci" }))));
  expect(created.filter((one) => one !== undefined)).toHaveLength(1);
  expect(await store.list()).toHaveLength(1);
});

test("keys that ended 90 days ago are removed when another is created", async () => {
  const ended = await create({ name: "old" });
  await store.revoke(ended.key.id);
  now += 89 * 24 * 3600_000;
  await create({ name: "newer" });
  expect(await store.list()).toHaveLength(2);
  now += 24 * 3600_000;
  await create({ name: "newest" });
  expect((await store.list()).map(({ name }) => name)).toEqual(["newest", "newer"]);
});

test("a damaged record grants nothing and does not hide the others", async () => {
  const { key, token } = await create();
  const other = await create({ name: "other" });
  await client.hset(createKeys(redis.namespace).apiKeys.records, key.id, "{");
  expect(await store.authenticate(token)).toBeUndefined();
  expect(await store.list()).toEqual([other.key]);
});

test("a store knows whether there are keys", async () => {
  expect(await store.hasKeys()).toBe(false);
  const { key } = await create();
  await store.revoke(key.id);
  // Revoking the last key does not open the server.
  expect(await store.hasKeys()).toBe(true);
});
