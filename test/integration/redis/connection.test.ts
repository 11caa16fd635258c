import { Queue, Worker } from "bullmq";
import type { Redis } from "ioredis";
import { afterEach, describe, expect, test } from "vitest";
import { checkRedis } from "#src/cli/wiring/check-redis.ts";
import { openRedis, type RedisSource } from "#src/redis/connection.ts";
import type { RedisEvent } from "#src/redis/redis-event.ts";
import { parseRedisUrl } from "#src/redis/url.ts";
import { createFakeClock } from "#test/support/fakes/fake-clock.ts";
import { openTestRedis } from "#test/support/redis/redis.ts";
import { hasRedisServer, type RedisProcess, startRedisProcess } from "#test/support/redis/redis-process.ts";
import { waitFor } from "#test/support/wait-for.ts";

const servers: RedisProcess[] = [];
const sources: RedisSource[] = [];

async function serve(...options: Parameters<typeof startRedisProcess>): Promise<RedisProcess> {
  const server = await startRedisProcess(...options);
  servers.push(server);
  return server;
}

function open(...options: Parameters<typeof openRedis>): RedisSource {
  const source = openRedis(...options);
  sources.push(source);
  return source;
}

afterEach(async () => {
  await Promise.all(sources.splice(0).map((source) => source.close()));
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

test("connection names contain role and PID, and no connection is left after close", async () => {
  await using redis = openTestRedis();
  const source = open(parseRedisUrl(redis.url));
  const inspector = redis.connect();
  const names = async () => {
    const list = String(await inspector.client("LIST"));
    return ["commands", "blocking", "bullmq"].filter((role) => list.includes(` name=sluice:${role}:${process.pid} `));
  };
  for (const role of ["commands", "blocking", "bullmq"] as const) await source.connect(role).ping();
  expect(await names()).toEqual(["commands", "blocking", "bullmq"]);
  await source.close();
  await waitFor(async () => (await names()).length === 0);
});

test("close completes pending commands, and does not wait for a blocking read", async () => {
  await using redis = openTestRedis();
  const source = open(parseRedisUrl(redis.url));
  const commands = source.connect("commands");
  const blocking = source.connect("blocking") as Redis;
  await Promise.all([commands.ping(), blocking.ping()]);
  const read = blocking.blpop(`${redis.namespace}:never`, 0);
  const ended = expect(read).rejects.toThrow("Connection is closed");
  const answers = Promise.all([1, 2, 3].map(() => commands.incr(`${redis.namespace}:n`)));
  await source.close();
  expect(await answers).toEqual([1, 2, 3]);
  await ended;
});

test("close ends connections that were never established", async () => {
  const server = await serve();
  const { url } = server;
  await server.stop();
  const source = open(parseRedisUrl(url));
  const pending = source.connect("commands").ping();
  const rejected = expect(pending).rejects.toThrow();
  await source.close();
  await rejected;
});

test("BullMQ accepts a connection of the source for queue and worker", async () => {
  await using redis = openTestRedis();
  const source = open(parseRedisUrl(redis.url));
  const prefix = `{${redis.namespace}}`;
  const queue = new Queue("q", { connection: source.connect("bullmq"), prefix });
  const seen: unknown[] = [];
  const worker = new Worker("q", async (job) => seen.push(job.data), {
    connection: source.connect("bullmq"),
    prefix,
  });
  worker.on("error", () => {});
  await queue.add("j", { n: 1 });
  await waitFor(() => seen.length === 1);
  await worker.close();
  await queue.close();
  await source.close();
  expect(seen).toEqual([{ n: 1 }]);
});

describe.skipIf(!hasRedisServer())("a connection", () => {
  test("waits while Redis is unavailable, continues when it is back, and reports both", async () => {
    const server = await serve();
    const events: RedisEvent[] = [];
    const source = open(parseRedisUrl(server.url), { onEvent: (event) => events.push(event) });
    const client = source.connect("commands");
    await client.set("k", "v");
    await server.kill("SIGKILL");
    const reply = client.get("k");
    await waitFor(() => events.some((event) => event.kind === "error"));
    await server.start();
    expect(await reply).toBe("v");
    expect(events.filter((event) => event.kind !== "error").map((event) => event.kind)).toEqual([
      "disconnected",
      "reconnected",
    ]);
  });

  test("reports a burst of errors once and counts the rest", async () => {
    const server = await serve();
    const { url } = server;
    await server.stop();
    let now = 0;
    const clock = { now: () => 0, monotonic: () => now, sleep: () => Promise.resolve() };
    const events: RedisEvent[] = [];
    const source = open(parseRedisUrl(url), {
      clock,
      random: () => 0,
      onEvent: (event) => events.push(event),
    });
    const client = source.connect("commands");
    client.ping().catch(() => {});
    let errors = 0;
    client.on("error", () => {
      errors += 1;
    });
    await waitFor(() => errors >= 4);
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({
      kind: "error",
      suppressed: 0,
      message: expect.stringContaining("ECONNREFUSED"),
    });
    now += 61_000;
    await waitFor(() => events.length === 2);
    expect(events[1]).toMatchObject({ kind: "error", suppressed: expect.any(Number) });
    expect((events[1] as { suppressed: number }).suppressed).toBeGreaterThanOrEqual(3);
  });

  test("a disconnect on purpose is not an outage", async () => {
    const server = await serve();
    const events: RedisEvent[] = [];
    const source = open(parseRedisUrl(server.url), { onEvent: (event) => events.push(event) });
    await checkRedis(source);
    const client = source.connect("commands");
    await client.ping();
    const closed = source.connect("commands");
    await closed.ping();
    const end = new Promise((resolve) => closed.once("end", resolve));
    closed.disconnect();
    await end;
    expect(events).toEqual([]);
    await server.kill("SIGKILL");
    await waitFor(() => events.some(({ kind }) => kind === "disconnected"));
  });

  test("a second outage within a minute is reported if it lasts until the minute is over", async () => {
    const server = await serve();
    const clock = createFakeClock();
    const events: RedisEvent[] = [];
    const source = open(parseRedisUrl(server.url), { clock, random: () => 0, onEvent: (event) => events.push(event) });
    const client = source.connect("commands");
    await client.ping();
    const kinds = () => events.map(({ kind }) => kind).filter((kind) => kind !== "error");
    const outage = async () => {
      const lost = new Promise((resolve) => client.once("close", resolve));
      await server.kill("SIGKILL");
      await lost;
    };
    const recover = async () => {
      await server.start();
      await client.ping();
    };
    await outage();
    await recover();
    expect(kinds()).toEqual(["disconnected", "reconnected"]);
    // A short one is not reported, not even later.
    await clock.advance(10_000);
    await outage();
    await recover();
    await clock.advance(10_000);
    await outage();
    await clock.advance(39_000);
    expect(kinds()).toEqual(["disconnected", "reconnected"]);
    await clock.advance(1_000);
    expect(kinds()).toEqual(["disconnected", "reconnected", "disconnected"]);
    await recover();
    expect(kinds()).toEqual(["disconnected", "reconnected", "disconnected", "reconnected"]);
    await outage();
    await recover();
    await clock.advance(120_000);
    expect(kinds()).toHaveLength(4);
  });

  test("errors are counted by message, so that a new one is reported at once", async () => {
    const server = await serve();
    const clock = createFakeClock();
    const events: RedisEvent[] = [];
    const source = open(parseRedisUrl(server.url), { clock, onEvent: (event) => events.push(event) });
    const client = source.connect("commands");
    await client.ping();
    for (const message of ["first", "first", "second", "first", "second"]) client.emit("error", new Error(message));
    await clock.advance(61_000);
    client.emit("error", new Error("first"));
    expect(events.map((event) => event.kind === "error" && [event.message, event.suppressed])).toEqual([
      ["first", 0],
      ["second", 0],
      ["first", 2],
    ]);
  });

  test("survives a server that temporarily becomes a replica, without a storm of errors", async () => {
    const server = await serve();
    const events: RedisEvent[] = [];
    const source = open(parseRedisUrl(server.url), { onEvent: (event) => events.push(event) });
    const client = source.connect("commands") as Redis;
    const admin = source.connect("blocking") as Redis;
    await client.set("n", "0");
    // A replica of itself stays a replica forever and replies with READONLY.
    await admin.config("SET", "replica-read-only", "yes");
    await admin.replicaof("127.0.0.1", String(server.port));
    let reconnections = 0;
    client.on("reconnecting", () => {
      reconnections += 1;
    });
    const write = client.incr("n");
    await waitFor(() => reconnections >= 2);
    await admin.replicaof("NO", "ONE");
    expect(await write).toBe(1);
    expect(events).toContainEqual(expect.objectContaining({ message: expect.stringContaining("READONLY") }));
    expect(events.filter((event) => event.kind === "error").length).toBeLessThan(3);
  });

  test("authenticates with user and password, and reach reports a wrong password without repeating it", async () => {
    const acl = ["user", "anna", "on", ">s3cret/pass", "~*", "&*", "+@all"];
    const server = await serve({
      settings: [acl, ["requirepass", "other pass"]],
      client: { password: "other pass" },
    });
    const host = `127.0.0.1:${server.port}`;
    const anna = open(parseRedisUrl(`redis://anna:s3cret%2Fpass@${host}`));
    await anna.assertReachable();
    expect(await anna.connect("commands").call("ACL", "WHOAMI")).toBe("anna");
    const standard = open(parseRedisUrl(`redis://:other%20pass@${host}`));
    await standard.assertReachable();
    const wrong = open(parseRedisUrl(`redis://anna:wr0ngpass@${host}`));
    const error = await wrong.assertReachable().catch((thrown: unknown) => thrown);
    expect(String(error)).toContain(`cannot use Redis at redis://${host}/0: WRONGPASS`);
    expect(JSON.stringify(error) + String(error)).not.toContain("wr0ngpass");
    const withoutCredentials = open(parseRedisUrl(`redis://${host}`));
    await expect(withoutCredentials.assertReachable()).rejects.toMatchObject({
      hint: expect.stringContaining("password"),
    });
  });

  test("connects through a unix socket, to the requested database", async () => {
    const server = await serve({ settings: [["unixsocket", "r.sock"]] });
    const source = open(parseRedisUrl(`unix://${server.dir}/r.sock?db=3`));
    await source.connect("commands").set("k", "v");
    const direct = open(parseRedisUrl(`${server.url}/3`));
    expect(await direct.connect("commands").get("k")).toBe("v");
  });
});

test("reach names the server that refused the connection", async () => {
  const source = open(parseRedisUrl("redis://user:pw@127.0.0.1:1"));
  await expect(source.assertReachable()).rejects.toThrow(
    "cannot use Redis at redis://127.0.0.1:1/0: connect ECONNREFUSED 127.0.0.1:1",
  );
});
