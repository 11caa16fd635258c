import { createHash, randomUUID } from "node:crypto";
import type { Tracer } from "#src/core/tracer.ts";
import { openRedis, type RedisSource } from "#src/redis/connection.ts";
import { createKeys, type Keys } from "#src/redis/keys.ts";
import { parseRedisUrl } from "#src/redis/url.ts";
import { cancelItem, readStatus } from "#src/state/items/item-store.ts";
import { ItemFailedError, UnknownItemError } from "./client-error.ts";
import { createChatPayload, createEmbeddingPayload } from "./create-payload.ts";
import { ItemSubscription } from "./item-subscription.ts";
import { toChatRecord, toEmbeddingRecords } from "./read-outcome.ts";
import type { SluiceClient, SubmitEmbeddingOptions, SubmitOptions, WaitOptions } from "./sluice-client.ts";
import { streamItem } from "./stream-item.ts";
import { Submitter } from "./submitter.ts";
import { waitForOutcome } from "./wait-for-outcome.ts";

export interface ClientOptions {
  /** Any form of REDIS_URL. Without it, the private Redis of the current folder, which `close` leaves again. */
  readonly redisUrl?: string;
  /** First part of every Redis key; the workers' must be the same. Default "sluice". */
  readonly namespace?: string;
  /**
   * Records a span for each submitted item, which the spans of the workers go on from, and sends it by OTLP over HTTP.
   * Inside an active span of the program's own it becomes that span's child. Holds no contents. Default: none.
   */
  readonly traces?: ClientTraces;
}

export interface ClientTraces {
  /** The whole address, such as "http://localhost:4318/v1/traces". */
  readonly endpoint: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Name of the service; default "sluice". */
  readonly service?: string;
  /** Share of traces that is recorded, 0 to 1; default 1. */
  readonly share?: number;
}

const DEFAULT_TTL_MS = 24 * 3600_000;

/** A client for submitting items and picking up what becomes of them, in this process or any other. */
export async function createClient(options: ClientOptions = {}): Promise<SluiceClient> {
  const keys = createKeys(options.namespace ?? "sluice");
  const tracer = await openClientTracer(options.traces);
  if (options.redisUrl !== undefined) {
    const source = openRedis(parseRedisUrl(options.redisUrl));
    await source.assertReachable();
    return buildClient(source, keys, () => source.close(), tracer);
  }
  // Loaded only here: it starts processes, which most users of the library never need.
  const { startPrivateRedis } = await import("#src/redis/private/private-server.ts");
  const server = await startPrivateRedis(process.cwd());
  const source = openRedis(server.target);
  return buildClient(source, keys, () => source.close().then(() => server.leave()), tracer);
}

/** A client on connections that somebody else opened, and closes after `close` has resolved. */
export function createClientFrom(source: RedisSource, namespace: string, tracer?: Tracer): SluiceClient {
  return buildClient(source, createKeys(namespace), async () => undefined, tracer);
}

/** Loads what traces need only where they are wanted. */
async function openClientTracer(traces: ClientTraces | undefined): Promise<Tracer | undefined> {
  if (!traces) return undefined;
  const { openTracer } = await import("#src/traces/open-tracer.ts");
  const { endpoint, headers = {}, service = "sluice", share: sampleRatio = 1 } = traces;
  return openTracer({ endpoint, headers, service, sampleRatio });
}

function buildClient(
  source: RedisSource,
  keys: Keys,
  leave: () => Promise<void>,
  tracer: Tracer | undefined,
): SluiceClient {
  const client = source.connect("commands");
  const itemStore = { client, keys, watch: new ItemSubscription(source.connect("blocking"), keys) };
  const submitter = new Submitter(client, keys, tracer);
  const sluice: SluiceClient = {
    async submitChat(options) {
      const id = createItemId(options.idempotencyKey);
      const { bytes, ...made } = createChatPayload(id, options);
      // An item that may be submitted again needs a job that is known by its id.
      const shared = options.idempotencyKey === undefined ? { bytes } : {};
      await submitter.submit({ id, ...made, ...shared, ...withSubmitDefaults(options) });
      return { id };
    },
    async submitEmbedding(options) {
      const id = createItemId(options.idempotencyKey);
      await submitter.submit({
        id,
        payload: createEmbeddingPayload(id, options),
        ...withSubmitDefaults(options),
      });
      return { id };
    },
    embed: (options) => embed(sluice, options),
    result: async (id, options = {}) => toChatRecord(await waitForOutcome(id, options, itemStore)),
    vectors: async (id, options = {}) => toEmbeddingRecords(await waitForOutcome(id, options, itemStore)),
    stream: (id, options = {}) => streamItem(id, options, itemStore),
    status: (id) => readStatus(client, keys, id),
    async cancel(id) {
      const state = await cancelItem(client, keys, id);
      if (state === undefined) throw new UnknownItemError(id);
      return state;
    },
    async close() {
      await submitter.close();
      await Promise.all([leave(), tracer?.close()]);
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
  const wait = { signal, timeoutMs };
  const vectors: Float32Array[] = [];
  let tokens = 0;
  for (const record of await sluice.vectors(id, wait)) {
    if (record.status === "failed") throw new ItemFailedError(record.failure);
    vectors.push(record.vector);
    tokens += record.tokens;
  }
  return { vectors, tokens };
}

function withSubmitDefaults({ priority = "interactive", metadata, ttlMs = DEFAULT_TTL_MS }: SubmitOptions) {
  return { priority, ttlMs, metadata };
}

/** Ids are ours: random, or a hash of the caller's key. No text of a user's ever becomes one. */
function createItemId(idempotencyKey: string | undefined): string {
  if (idempotencyKey === undefined) return `c-${randomUUID().replaceAll("-", "")}`;
  return `k-${createHash("sha256").update(idempotencyKey).digest("hex").slice(0, 32)}`;
}
