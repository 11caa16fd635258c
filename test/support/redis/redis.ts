import { randomBytes } from "node:crypto";
import { Redis, type RedisOptions } from "ioredis";
import { inject } from "vitest";
import "./global-redis.ts";
import { waitFor } from "#test/support/wait-for.ts";

/** A namespace in the shared Redis for one test. */
export interface TestRedis {
  readonly url: string;
  /** Random, safe inside a key and a hash tag. Every key of the test must contain it. */
  readonly namespace: string;
  /** Opens a plain connection for reading and changing keys directly. `cleanup` closes it. */
  connect(options?: Omit<RedisOptions, "replyMapping">): Redis;
  /**
   * Closes the connections of `connect` and deletes every key that contains the namespace. Rejects if the code under
   * test left a connection open: one named `sluice:<role>:<PID of this process>`, or with the namespace in its name.
   */
  cleanup(timeoutMs?: number): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Call it in a test or a hook, and `await cleanup()` at the end, or declare it with `await using`. */
export function openTestRedis(): TestRedis {
  const url = inject("redisUrl");
  const namespace = `t${randomBytes(6).toString("hex")}`;
  const admin = new Redis(url, { maxRetriesPerRequest: null });
  const opened: Redis[] = [];
  // Connection IDs increase, so a smaller ID belongs to an enclosing test.
  const firstId = admin.client("ID");
  firstId.catch(() => {});
  const cleanup = async (timeoutMs = 30_000) => {
    await Promise.all(opened.splice(0).map(disconnectClient));
    await deleteKeys(admin, namespace);
    const left = () => openConnections(admin, namespace, firstId);
    try {
      await waitFor(async () => (await left()).length === 0, { what: "closed connections", timeoutMs });
    } catch {
      throw new Error(`the test left Redis connections open:\n${(await left()).join("\n")}`);
    } finally {
      await disconnectClient(admin);
    }
  };
  return {
    url,
    namespace,
    connect(options = {}) {
      const client = new Redis(url, { maxRetriesPerRequest: null, ...options });
      client.on("error", () => {});
      opened.push(client);
      return client;
    },
    cleanup,
    [Symbol.asyncDispose]: () => cleanup(),
  };
}

async function disconnectClient(client: Redis): Promise<void> {
  if (client.status === "end") return;
  const end = new Promise<void>((resolve) => client.once("end", () => resolve()));
  client.disconnect();
  await end;
}

async function deleteKeys(client: Redis, namespace: string): Promise<void> {
  let cursor = "0";
  do {
    const [next, keys] = await client.scan(cursor, "MATCH", `*${namespace}*`, "COUNT", 1_000);
    if (keys.length > 0) await client.unlink(...keys);
    cursor = next;
  } while (cursor !== "0");
}

async function openConnections(client: Redis, namespace: string, firstId: Promise<number>): Promise<string[]> {
  const list = String(await client.client("LIST"));
  const oldest = await firstId;
  return list.split("\n").filter((line) => {
    const id = Number(/\bid=(\d+)/.exec(line)?.[1] ?? 0);
    const name = /\bname=(\S*)/.exec(line)?.[1] ?? "";
    if (id <= oldest) return false;
    return name.includes(namespace) || (name.startsWith("sluice:") && name.endsWith(`:${process.pid}`));
  });
}
