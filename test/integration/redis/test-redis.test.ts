import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { openTestRedis } from "#test/support/redis/redis.ts";

test("cleanup deletes all keys of the namespace and no others", async () => {
  const mine = openTestRedis();
  const other = openTestRedis();
  const client = mine.connect();
  for (let index = 0; index < 50; index += 1) await client.set(`{${mine.namespace}}:${index}`, "x");
  await client.set(`{${other.namespace}}:kept`, "x");
  await mine.cleanup();
  const inspector = other.connect();
  expect(await inspector.keys(`*${mine.namespace}*`)).toEqual([]);
  expect(await inspector.get(`{${other.namespace}}:kept`)).toBe("x");
  await other.cleanup();
});

test("cleanup rejects with the name of a connection that the code under test left open", async () => {
  const redis = openTestRedis();
  const leak = new Redis(redis.url, { connectionName: `sluice:commands:${process.pid}` });
  await leak.ping();
  await expect(redis.cleanup(100)).rejects.toThrow(`name=sluice:commands:${process.pid}`);
  leak.disconnect();
});

test("the shared server never evicts and persists every write", async () => {
  await using redis = openTestRedis();
  const client = redis.connect();
  expect(await client.config("GET", "maxmemory-policy")).toEqual(["maxmemory-policy", "noeviction"]);
  expect(await client.config("GET", "appendonly")).toEqual(["appendonly", "yes"]);
});
