import { createHash, randomUUID } from "node:crypto";
import { cancelItem, readStatus } from "../../queue/pickup.ts";
import { openRedis, type RedisSource } from "../../redis/connection.ts";
import { createKeys, type Keys } from "../../redis/keys.ts";
import { parseRedisUrl } from "../../redis/url.ts";
import { ItemFailedError, UnknownItemError } from "./client-error.ts";
import { followItem } from "./follow-item.ts";
import { ItemWatch } from "./item-watch.ts";
import { makeChatPayload, makeEmbeddingPayload } from "./make-payload.ts";
import { toChatRecord, toEmbeddingRecords } from "./read-outcome.ts";
import type { SluiceClient, SubmitEmbeddingOptions, SubmitOptions, WaitOptions } from "./sluice-client.ts";
import { Submitter } from "./submitter.ts";
import { waitForOutcome } from "./wait-for-outcome.ts";

export interface ClientOptions {
  /** Any form of REDIS_URL. Without it, the private Redis of the current folder, which `close` leaves again. */
  readonly redisUrl?: string;
  /** First part of every Redis key; the workers' must be the same. Default "sluice". */
  readonly namespace?: string;
}

const DEFAULT_TTL_MS = 24 * 3600_000;

/** A client for submitting items and picking up what becomes of them, in this process or any other. */
export async function createClient(options: ClientOptions = {}): Promise<SluiceClient> {
  const keys = createKeys(options.namespace ?? "sluice");
  if (options.redisUrl !== undefined) {
    const source = openRedis(parseRedisUrl(options.redisUrl));
    await source.reach();
    return clientOn(source, keys, () => source.close());
  }
  // Loaded only here: it starts processes, which most users of the library never need.
  const { startPrivateRedis } = await import("../../redis/private-server.ts");
  const server = await startPrivateRedis(process.cwd());
  const source = openRedis(server.target);
  return clientOn(source, keys, () => source.close().then(() => server.leave()));
}

/** A client on connections that somebody else opened, and closes after `close` has resolved. */
export function createClientOn(source: RedisSource, namespace: string): SluiceClient {
  return clientOn(source, createKeys(namespace), async () => undefined);
}

function clientOn(source: RedisSource, keys: Keys, leave: () => Promise<void>): SluiceClient {
  const client = source.connect("commands");
  const pickup = { client, keys, watch: new ItemWatch(source.connect("blocking"), keys) };
  const submitter = new Submitter(source, client, keys);
  const sluice: SluiceClient = {
    async submitChat(options) {
      const id = itemId(options.idempotencyKey);
      await submitter.submit({ id, ...makeChatPayload(id, options), ...placing(options) });
      return { id };
    },
    async submitEmbedding(options) {
      const id = itemId(options.idempotencyKey);
      await submitter.submit({ id, payload: makeEmbeddingPayload(id, options), ...placing(options) });
      return { id };
    },
    embed: (options) => embed(sluice, options),
    result: async (id, options = {}) => toChatRecord(await waitForOutcome(id, options, pickup)),
    vectors: async (id, options = {}) => toEmbeddingRecords(await waitForOutcome(id, options, pickup)),
    stream: (id, options = {}) => followItem(id, options, pickup),
    status: (id) => readStatus(client, keys, id),
    async cancel(id) {
      const state = await cancelItem(client, keys, id);
      if (state === undefined) throw new UnknownItemError(id);
      return state;
    },
    async close() {
      await submitter.close();
      await leave();
    },
  };
  return sluice;
}

async function embed(
  sluice: SluiceClient,
  options: SubmitEmbeddingOptions & WaitOptions,
): Promise<{ vectors: Float32Array[]; tokens: number }> {
  const { signal, timeoutMs, ...submit } = options;
  const { id } = await sluice.submitEmbedding(submit);
  const wait = { ...(signal ? { signal } : {}), ...(timeoutMs === undefined ? {} : { timeoutMs }) };
  const vectors: Float32Array[] = [];
  let tokens = 0;
  for (const record of await sluice.vectors(id, wait)) {
    if (record.status === "failed") throw new ItemFailedError(record.failure);
    vectors.push(record.vector);
    tokens += record.tokens;
  }
  return { vectors, tokens };
}

function placing({ priority = "interactive", metadata, ttlMs = DEFAULT_TTL_MS }: SubmitOptions) {
  return { priority, ttlMs, ...(metadata === undefined ? {} : { metadata }) };
}

/** Ids are ours: random, or a hash of the caller's key. No text of a user's ever becomes one. */
function itemId(idempotencyKey: string | undefined): string {
  if (idempotencyKey === undefined) return `c-${randomUUID().replaceAll("-", "")}`;
  return `k-${createHash("sha256").update(idempotencyKey).digest("hex").slice(0, 32)}`;
}
