import { afterEach, describe, expect, test } from "vitest";
import { assertServerUsable, checkServer } from "#src/redis/check-server.ts";
import { openRedis, type RedisSource } from "#src/redis/connection.ts";
import { parseRedisUrl } from "#src/redis/url.ts";
import { openTestRedis } from "#test/support/redis/redis.ts";
import { hasRedisServer, type RedisProcess, startRedisProcess } from "#test/support/redis/redis-process.ts";

let server: RedisProcess | undefined;
let source: RedisSource | undefined;

afterEach(async () => {
  await source?.close();
  await server?.stop();
  server = undefined;
  source = undefined;
});

async function check(settings: readonly (readonly string[])[], login = "", password?: string) {
  server = await startRedisProcess({ settings, ...(password === undefined ? {} : { client: { password } }) });
  source = openRedis(parseRedisUrl(`redis://${login}127.0.0.1:${server.port}`));
  return checkServer(source.connect("commands"));
}

test("a suitable server passes, and the test write leaves no key", async () => {
  await using redis = openTestRedis();
  const fit = openRedis(parseRedisUrl(redis.url));
  const found = await checkServer(fit.connect("commands"));
  expect(found.findings).toEqual([]);
  expect(found.version).toMatch(/^\d+\.\d+\.\d+$/);
  assertServerUsable(found);
  expect(await redis.connect().keys("sluice:probe:*")).toEqual([]);
  await fit.close();
});

describe.skipIf(!hasRedisServer())("an external server", () => {
  test("that evicts is rejected, with the command that fixes it", async () => {
    const found = await check([["maxmemory-policy", "allkeys-lru"]]);
    expect(() => assertServerUsable(found)).toThrow("its maxmemory-policy is allkeys-lru");
    expect(found.findings[0]?.hint).toContain("CONFIG SET maxmemory-policy noeviction");
  });

  test("without an append-only file is used with a warning", async () => {
    const found = await check([["appendonly", "no"]]);
    expect(found.findings).toMatchObject([{ level: "warning", hint: expect.stringContaining("appendonly yes") }]);
    assertServerUsable(found);
  });

  test("that is a replica is rejected without a test write", async () => {
    const found = await check([["replicaof", "127.0.0.1", "1"]]);
    expect(() => assertServerUsable(found)).toThrow("it is a replica (role slave) and does not accept writes");
  });

  test("that forbids CONFIG is checked with INFO", async () => {
    const user = ["user", "app", "on", ">pw", "~*", "&*", "+@all", "-config"];
    const found = await check([user, ["maxmemory-policy", "volatile-lru"]], "app:pw@");
    expect(found.findings.map((finding) => finding.level)).toEqual(["refusal", "note"]);
    expect(found.findings[0]?.message).toContain("volatile-lru");
  });

  test("that reports nothing is used, with a warning that lists what is unknown", async () => {
    const user = ["user", "app", "on", ">pw", "~*", "&*", "+@all", "-config", "-info"];
    server = await startRedisProcess({ settings: [user] });
    source = openRedis(parseRedisUrl(`redis://app:pw@127.0.0.1:${server.port}`));
    const found = await checkServer(source.connect("commands"));
    expect(found.version).toBe("unknown");
    expect(found.findings).toMatchObject([{ level: "warning", message: expect.stringContaining("maxmemory-policy") }]);
  });

  test("that is full fails the test write", async () => {
    const found = await check([["maxmemory", "1"]]);
    expect(found.findings).toMatchObject([
      { level: "warning", message: expect.stringContaining("% of maxmemory") },
      { level: "refusal", message: expect.stringContaining("a test write was refused: OOM") },
    ]);
  });

  test("that allows only other keys is rejected with the pattern to allow", async () => {
    const user = ["user", "app", "on", ">pw", "~other:*", "&*", "+@all"];
    const found = await check([user], "app:pw@");
    expect(found.findings).toMatchObject([{ level: "refusal", hint: expect.stringContaining("all keys that begin") }]);
  });
});
