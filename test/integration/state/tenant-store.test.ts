import type { Redis } from "ioredis";
import { afterEach, beforeEach, expect, test } from "vitest";
import * as z from "zod";
import { createKeys } from "#src/redis/keys.ts";
import { TenantStore } from "#src/state/tenants/tenant-store.ts";
import { openTestRedis, type TestRedis } from "#test/support/redis/redis.ts";
import { waitFor } from "#test/support/wait-for.ts";

let redis: TestRedis;
let client: Redis;
let store: TenantStore<{ n: number }>;

beforeEach(() => {
  redis = openTestRedis();
  client = redis.connect();
  store = new TenantStore(client, createKeys(redis.namespace), { kind: "note", schema: z.object({ n: z.number() }) });
});
afterEach(() => redis.cleanup());

const create = (tenant: string, id: string, n: number) =>
  store.create(tenant, id, { n }, { createdAt: 1_000 + n, ttlMs: 60_000 });

test("a tenant sees its own objects only, and another tenant's id is an unknown id, with the same commands", async () => {
  await create("one", "x", 1);
  await create("two", "y", 2);
  expect(await store.get("one", "x")).toEqual({ n: 1 });
  expect(await store.get("two", "x")).toBeUndefined();
  expect(await store.replace("two", "x", { n: 5 })).toBe(false);
  expect(await store.delete("two", "x")).toBe(false);
  expect((await store.list("two", { limit: 10 })).objects).toEqual([{ n: 2 }]);
  expect(await store.get("one", "x")).toEqual({ n: 1 });

  const monitor = await client.monitor();
  const seen: string[][] = [];
  monitor.on("monitor", (_time: string, args: string[]) => {
    if (args.some((arg) => arg.includes(redis.namespace))) seen.push(args);
  });
  await store.get("two", "x");
  await store.get("two", "unknown");
  await client.get(`${redis.namespace}:end`);
  await waitFor(() => seen.length >= 3, { what: "the commands" });
  monitor.disconnect();
  expect(seen.slice(0, 2).map(([command]) => command)).toEqual(["get", "get"]);
});

test("names of tenants and ids cannot reach into other tenants", async () => {
  await create("a:note:x", "y", 1);
  expect(await store.get("a", "x:y")).toBeUndefined();
  expect(await store.get("a:note", "x}:y")).toBeUndefined();
  await create("a}", "y", 2);
  expect(await store.get("a", "}y")).toBeUndefined();
  expect(await store.get("a}", "y")).toEqual({ n: 2 });
});

test("pages are complete in both orders, also when objects expire meanwhile", async () => {
  for (let n = 0; n < 7; n++) await create("one", `n${n}`, n);
  const numbers = async (options: Parameters<typeof store.list>[1]) => {
    const { objects, hasMore } = await store.list("one", options);
    return [objects.map(({ n }) => n), hasMore];
  };
  expect(await numbers({ limit: 3 })).toEqual([[6, 5, 4], true]);
  expect(await numbers({ limit: 3, after: "n4" })).toEqual([[3, 2, 1], true]);
  expect(await numbers({ limit: 3, after: "n1" })).toEqual([[0], false]);
  expect(await numbers({ limit: 7, order: "asc" })).toEqual([[0, 1, 2, 3, 4, 5, 6], false]);
  const objects = createKeys(redis.namespace).tenantObjects("one", "note");
  await client.del(objects.object("n5"), objects.object("n4"));
  expect(await numbers({ limit: 3 })).toEqual([[6, 3, 2], true]);
  expect(await client.zcard(objects.list)).toBe(5);
});

test("an id is created once, and everything expires", async () => {
  const keys = createKeys(redis.namespace).tenantObjects("one", "note");
  expect(await create("one", "x", 1)).toBe(true);
  expect(await create("one", "x", 2)).toBe(false);
  expect(await store.replace("one", "x", { n: 3 })).toBe(true);
  expect(await store.get("one", "x")).toEqual({ n: 3 });
  expect(await client.pttl(keys.object("x"))).toBeGreaterThan(0);
  expect(await client.pttl(keys.list)).toBeGreaterThan(0);
  expect(await store.delete("one", "x")).toBe(true);
  expect(await client.zcard(keys.list)).toBe(0);
});

test("a damaged object is reported and treated as absent", async () => {
  await create("one", "x", 1);
  await client.set(createKeys(redis.namespace).tenantObjects("one", "note").object("x"), "{");
  expect(await store.get("one", "x")).toBeUndefined();
});
