import { createHash, randomUUID } from "node:crypto";
import type { Tracer } from "#src/core/tracer.ts";
import type { RerankResponse } from "#src/providers/provider.ts";
import type { JobPayload } from "#src/queues/payload.ts";
import { openRedis, type RedisSource } from "#src/redis/connection.ts";
import { createKeys, type Keys } from "#src/redis/keys.ts";
import { describeRedisEvent, type RedisEvent } from "#src/redis/redis-event.ts";
import { parseRedisUrl } from "#src/redis/url.ts";
import { cancelItem, readStatus } from "#src/state/items/item-store.ts";
import { ItemFailedError, UnknownItemError } from "./client-error.ts";
import { createChatPayload, createEmbeddingPayload, createRerankPayload } from "./create-payload.ts";
import { ItemSubscription } from "./item-subscription.ts";
import { toChatRecord, toEmbeddingRecords, toRerankRecord } from "./read-outcome.ts";
import type {
  SluiceClient,
  SubmitEmbeddingOptions,
  SubmitOptions,
  SubmitRerankOptions,
  WaitOptions,
} from "./sluice-client.ts";
import { streamItem } from "./stream-item.ts";
import { Submitter } from "./submitter.ts";
import { waitForOutcome } from "./wait-for-outcome.ts";

export interface ClientOptions {
  /** A URL in any format of REDIS_URL. Default: the private Redis of the current folder, which `close` releases. */
  readonly redisUrl?: string;
  /** Prefix of all Redis keys; must equal that of the workers. Default "sluice". */
  readonly namespace?: string;
  /**
   * Records a span for each submitted item, the parent of the workers' spans, and exports it by OTLP over HTTP. It is a
   * child of the program's active span, if there is one. Spans contain no texts. Default: none.
   */
  readonly traces?: ClientTraces;
}

export interface ClientTraces {
  /** The full URL, such as "http://localhost:4318/v1/traces". */
  readonly endpoint: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Service name. Default "sluice". */
  readonly service?: string;
  /** Share of traces that are recorded, 0 to 1. Default 1. */
  readonly share?: number;
}

const DEFAULT_TTL_MS = 24 * 3600_000;

/** Creates a client that submits items and reads their results, in this process or any other. */
export async function createClient(options: ClientOptions = {}): Promise<SluiceClient> {
  const keys = createKeys(options.namespace ?? "sluice");
  const tracer = await openClientTracer(options.traces);
  if (options.redisUrl !== undefined) {
    const source = openRedis(parseRedisUrl(options.redisUrl), { onEvent: warn });
    await source.assertReachable();
    return buildClient(source, keys, () => source.close(), tracer);
  }
  // Imported dynamically: it starts processes, which most users of the library do not need.
  const { startPrivateRedis } = await import("#src/redis/private-server/private-server.ts");
  const server = await startPrivateRedis(process.cwd());
  const source = openRedis(server.target, { onEvent: warn });
  return buildClient(source, keys, () => source.close().then(() => server.leave()), tracer);
}

/** A client cannot wait silently: nothing else tells the program why its calls take long. */
function warn(event: RedisEvent): void {
  if (event.kind === "reconnected") return;
  process.emitWarning(describeRedisEvent(event), { type: "SluiceWarning", code: "SLUICE_REDIS" });
}

/** Creates a client with the caller's connections, which the caller closes after `close` has resolved. */
export function createClientFrom(source: RedisSource, namespace: string, tracer?: Tracer): SluiceClient {
  return buildClient(source, createKeys(namespace), async () => undefined, tracer);
}

/** Imports the tracing modules only if traces are configured. */
async function openClientTracer(traces: ClientTraces | undefined): Promise<Tracer | undefined> {
  if (!traces) return undefined;
  const { openTracer } = await import("#src/traces/open-tracer.ts");
  const { endpoint, headers = {}, service = "sluice", share: sampleRatio = 1 } = traces;
  return openTracer({ endpoint, headers, service, sampleRatio });
}

function buildClient(
  source: RedisSource,
  keys: Keys,
  release: () => Promise<void>,
  tracer: Tracer | undefined,
): SluiceClient {
  const client = source.connect("commands");
  const itemStore = { client, keys, watch: new ItemSubscription(source.connect("blocking"), keys) };
  const submitter = new Submitter(client, keys, tracer);
  const sluice: SluiceClient = {
    async submitChat(options) {
      const id = createItemId(options.idempotencyKey);
      const { bytes, ...job } = createChatPayload(id, options);
      // An item that may be submitted again needs its own job, whose id is derived from the key.
      const shareableBytes = options.idempotencyKey === undefined ? bytes : undefined;
      const digest = digestRequest(options.idempotencyKey, job.payload, job.request);
      await submitter.submit({ id, ...job, bytes: shareableBytes, digest, ...withSubmitDefaults(options) });
      return { id };
    },
    async submitEmbedding(options) {
      const id = createItemId(options.idempotencyKey);
      const payload = createEmbeddingPayload(id, options);
      const digest = digestRequest(options.idempotencyKey, payload);
      await submitter.submit({ id, payload, digest, ...withSubmitDefaults(options) });
      return { id };
    },
    async submitRerank(options) {
      const id = createItemId(options.idempotencyKey);
      const job = createRerankPayload(id, options);
      const digest = digestRequest(options.idempotencyKey, job.payload, job.request);
      await submitter.submit({ id, ...job, digest, ...withSubmitDefaults(options) });
      return { id };
    },
    embed: (options) => embed(sluice, options),
    rerank: (options) => rerank(sluice, options),
    result: async (id, options = {}) => toChatRecord(await waitForOutcome(id, options, itemStore)),
    vectors: async (id, options = {}) => toEmbeddingRecords(await waitForOutcome(id, options, itemStore)),
    ranking: async (id, options = {}) => toRerankRecord(await waitForOutcome(id, options, itemStore)),
    stream: (id, options = {}) => streamItem(id, options, itemStore),
    status: (id) => readStatus(client, keys, id),
    async cancel(id) {
      const state = await cancelItem(client, keys, id);
      if (state === undefined) throw new UnknownItemError(id);
      return state;
    },
    async close() {
      await submitter.close();
      await Promise.all([release(), tracer?.close()]);
    },
  };
  return sluice;
}

async function embed(
  sluice: SluiceClient,
  options: SubmitEmbeddingOptions & WaitOptions,
): Promise<{ vectors: Float32Array[]; tokens: number }> {
  const { signal, timeoutMs, onNoWorker, ...submit } = options;
  const { id } = await sluice.submitEmbedding(submit);
  const wait = { signal, timeoutMs, onNoWorker };
  const vectors: Float32Array[] = [];
  let tokens = 0;
  for (const record of await sluice.vectors(id, wait)) {
    if (record.status === "failed") throw new ItemFailedError(record.failure);
    vectors.push(record.vector);
    tokens += record.tokens;
  }
  return { vectors, tokens };
}

async function rerank(
  sluice: SluiceClient,
  { signal, timeoutMs, onNoWorker, ...submit }: SubmitRerankOptions & WaitOptions,
): Promise<RerankResponse> {
  const { id } = await sluice.submitRerank(submit);
  const record = await sluice.ranking(id, { signal, timeoutMs, onNoWorker });
  if (record.status === "failed") throw new ItemFailedError(record.failure);
  return record.response;
}

function withSubmitDefaults({ priority = "interactive", metadata, ttlMs = DEFAULT_TTL_MS }: SubmitOptions) {
  return { priority, ttlMs, metadata };
}

/**
 * Identifies the request of an item with an idempotency key, without what may differ when it is repeated: the estimates of its
 * tokens between versions, and the weight of its tenant.
 */
function digestRequest(key: string | undefined, payload: JobPayload, request?: string): string | undefined {
  if (key === undefined) return undefined;
  const items =
    payload.kind === "embedding"
      ? payload.items.map(([, , text]) => text)
      : payload.items.map(({ request }) => request);
  return createHash("sha256")
    .update(JSON.stringify([{ ...payload, items, tenant: undefined }, request]))
    .digest("hex");
}

/** Creates an id: random, or a hash of the caller's key. Ids never contain text of the user. */
function createItemId(idempotencyKey: string | undefined): string {
  if (idempotencyKey === undefined) return `c-${randomUUID().replaceAll("-", "")}`;
  return `k-${createHash("sha256").update(idempotencyKey).digest("hex").slice(0, 32)}`;
}
