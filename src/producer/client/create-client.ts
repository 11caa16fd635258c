import { createHash, randomBytes } from "node:crypto";
import { Queue } from "bullmq";
import { InputError } from "../../core/errors.ts";
import type { Failure } from "../../core/item.ts";
import type { ChatRequest, ChatResponse, EmbeddingPurpose } from "../../providers/provider.ts";
import { type JobKind, type JobPriority, QUEUE_SETTINGS, queueName } from "../../queue/names.ts";
import { readPartials } from "../../queue/partials.ts";
import {
  type ChatPayload,
  chatRequestSchema,
  type EmbeddingPayload,
  MAX_JOB_BYTES,
} from "../../queue/payload.ts";
import { cancelItem, type ItemStatus, noteItem, readRecords, readStatus } from "../../queue/pickup.ts";
import { openRedis, type RedisSource } from "../../redis/connection.ts";
import { createKeys, type Keys } from "../../redis/keys.ts";
import type { RedisClient } from "../../redis/script.ts";
import { parseRedisUrl } from "../../redis/url.ts";
import { estimateTokens } from "../chunking/estimate-tokens.ts";
import { ItemFailedError, ResultTimeoutError, UnknownItemError } from "./client-error.ts";
import { composeRequest } from "./compose-request.ts";
import { ItemWatch } from "./item-watch.ts";
import { reduceStream, type StreamEvent } from "./stream-events.ts";

export interface ClientOptions {
  /** Any form of REDIS_URL. Without it, the private Redis of the current folder, which `close` leaves again. */
  readonly redisUrl?: string;
  /** First part of every Redis key; the workers' must be the same. Default "sluice". */
  readonly namespace?: string;
}

export interface SubmitOptions {
  /** "provider/model" */
  readonly model: string;
  /** Interactive items overtake all bulk ones. Default "interactive". */
  readonly priority?: JobPriority;
  /** The same key gives the same item, however often it is submitted within its time to live. */
  readonly idempotencyKey?: string;
  /** Kept with the item and given back by `status`; not sent to the provider. */
  readonly metadata?: unknown;
  /** How long result and partials can be picked up, from the submission on. Default one day. */
  readonly ttlMs?: number;
}

export interface SubmitChatOptions extends SubmitOptions, Omit<ChatRequest, "messages"> {
  /** The conversation; or else `prompt`. */
  readonly messages?: ChatRequest["messages"];
  /** One plain text: with a template the conversation it holds in that form, otherwise one user message. */
  readonly prompt?: string;
  /**
   * `default`: the provider's own conversation template. It adds the provider's usual system message where the
   * request has none, and reads `prompt` as that provider's plain form. Nothing of the request is left out.
   */
  readonly template?: "default";
  /** Make deltas available through `stream` while the answer comes. Default false. */
  readonly stream?: boolean;
}

export interface SubmitEmbeddingOptions extends SubmitOptions {
  readonly inputs: readonly string[];
  readonly purpose?: EmbeddingPurpose;
  readonly dimensions?: number;
}

export interface Submitted {
  readonly id: string;
}

/** The outcome of a chat item. */
export type ChatRecord =
  | { readonly status: "ok"; readonly attempts: number; readonly response: ChatResponse }
  | { readonly status: "failed"; readonly attempts: number; readonly failure: Failure };

/** The outcome of one input of an embedding item. */
export type EmbeddingRecord =
  | {
      readonly status: "ok";
      readonly attempts: number;
      readonly tokens: number;
      readonly vector: Float32Array;
    }
  | { readonly status: "failed"; readonly attempts: number; readonly failure: Failure };

export interface WaitOptions {
  readonly signal?: AbortSignal;
  /** Give up waiting after this long, with a `ResultTimeoutError`; the item goes on. Default: no limit. */
  readonly timeoutMs?: number;
}

export interface StreamOptions {
  readonly signal?: AbortSignal;
  /** Go on after this event's id; events before it are not repeated. */
  readonly after?: string;
}

export interface SluiceClient {
  submitChat(options: SubmitChatOptions): Promise<Submitted>;
  submitEmbedding(options: SubmitEmbeddingOptions): Promise<Submitted>;
  /** Submits, waits, and gives the vectors in the order of the inputs. Throws `ItemFailedError` when one failed. */
  embed(options: SubmitEmbeddingOptions & WaitOptions): Promise<{ vectors: Float32Array[]; tokens: number }>;
  /** The record of a chat item, now or when it is there. Throws `UnknownItemError` for an id that is not known. */
  result(id: string, options?: WaitOptions): Promise<ChatRecord>;
  /** The records of an embedding item, in the order of its inputs. */
  vectors(id: string, options?: WaitOptions): Promise<EmbeddingRecord[]>;
  /** The answer's deltas, live or after the fact; ends with one `end` or `error`. */
  stream(id: string, options?: StreamOptions): AsyncGenerator<StreamEvent>;
  /** Undefined for an id that is not known. */
  status(id: string): Promise<ItemStatus | undefined>;
  /** No record is accepted any more; a call in flight is aborted when it streams. Tells what the item was. */
  cancel(id: string): Promise<ItemStatus["state"]>;
  close(): Promise<void>;
}

const DEFAULT_TTL_MS = 24 * 3600_000;

/** A client for submitting items and picking up what becomes of them, in this process or any other. */
export async function createClient(options: ClientOptions = {}): Promise<SluiceClient> {
  const keys = createKeys(options.namespace ?? "sluice");
  if (options.redisUrl !== undefined) {
    const source = openRedis(parseRedisUrl(options.redisUrl));
    await source.reach();
    return new Client(source, keys, () => source.close());
  }
  // Loaded only here: it starts processes, which most users of the library never need.
  const { startPrivateRedis } = await import("../../redis/private-server.ts");
  const server = await startPrivateRedis(process.cwd());
  const source = openRedis(server.target);
  return new Client(source, keys, () => source.close().then(() => server.leave()));
}

/** A client on connections that somebody else opened, and closes after `close` has resolved. */
export function createClientOn(source: RedisSource, namespace: string): SluiceClient {
  return new Client(source, createKeys(namespace), async () => undefined);
}

class Client implements SluiceClient {
  readonly #source: RedisSource;
  readonly #keys: Keys;
  readonly #client: RedisClient;
  readonly #watch: ItemWatch;
  readonly #queues = new Map<string, Queue>();
  readonly #leave: () => Promise<void>;

  constructor(source: RedisSource, keys: Keys, leave: () => Promise<void>) {
    this.#source = source;
    this.#leave = leave;
    this.#keys = keys;
    this.#client = source.connect("commands");
    this.#watch = new ItemWatch(source.connect("blocking"), keys);
  }

  async submitChat(options: SubmitChatOptions): Promise<Submitted> {
    const { model: fullName, priority, idempotencyKey, metadata, ttlMs, stream = false, ...rest } = options;
    const { provider, model } = splitModel(fullName);
    const parsed = chatRequestSchema.safeParse(composeRequest(provider, rest));
    if (!parsed.success) throw new InputError(describeIssues(parsed.error.issues), "submitChat");
    const text = JSON.stringify(parsed.data);
    const large = Buffer.byteLength(text) > MAX_JOB_BYTES;
    const id = itemId(idempotencyKey);
    const payload: ChatPayload = {
      v: 1,
      kind: "chat",
      provider,
      model,
      target: { item: id },
      stream,
      tokens: estimateTokens(text) + (parsed.data.maxTokens ?? 512),
      request: large ? null : parsed.data,
    };
    await this.#submit(id, payload, {
      priority,
      metadata,
      ttlMs,
      total: 1,
      ...(large ? { request: text } : {}),
    });
    return { id };
  }

  async submitEmbedding(options: SubmitEmbeddingOptions): Promise<Submitted> {
    const {
      model: fullName,
      priority,
      idempotencyKey,
      metadata,
      ttlMs,
      inputs,
      purpose = "db",
      dimensions,
    } = options;
    if (inputs.length === 0) throw new InputError("inputs must hold at least one text", "submitEmbedding");
    const empty = inputs.findIndex((input) => typeof input !== "string" || input.trim() === "");
    if (empty >= 0)
      throw new InputError(`inputs[${empty}] is not a text with something in it`, "submitEmbedding");
    const { provider, model } = splitModel(fullName);
    const id = itemId(idempotencyKey);
    const payload: EmbeddingPayload = {
      v: 1,
      kind: "embedding",
      item: id,
      provider,
      model,
      purpose,
      ...(dimensions === undefined ? {} : { dimensions }),
      items: inputs.map((text, index) => [index, estimateTokens(text), text]),
    };
    await this.#submit(id, payload, { priority, metadata, ttlMs, total: inputs.length });
    return { id };
  }

  async embed(
    options: SubmitEmbeddingOptions & WaitOptions,
  ): Promise<{ vectors: Float32Array[]; tokens: number }> {
    const { signal, timeoutMs, ...submit } = options;
    const { id } = await this.submitEmbedding(submit);
    const wait = { ...(signal ? { signal } : {}), ...(timeoutMs === undefined ? {} : { timeoutMs }) };
    const records = await this.vectors(id, wait);
    const vectors = records.map((record) => {
      if (record.status === "failed") throw new ItemFailedError(record.failure);
      return record.vector;
    });
    const tokens = records.reduce((sum, record) => sum + (record.status === "ok" ? record.tokens : 0), 0);
    return { vectors, tokens };
  }

  async result(id: string, options: WaitOptions = {}): Promise<ChatRecord> {
    await this.#waitForEnd(id, options);
    const { records } = await readRecords(this.#client, this.#keys, id);
    const record = records[0];
    if (!record) return { status: "failed", attempts: 0, failure: CANCELLED };
    const { attempts, failure, json } = record;
    return failure
      ? { status: "failed", attempts, failure }
      : { status: "ok", attempts, response: json as ChatResponse };
  }

  async vectors(id: string, options: WaitOptions = {}): Promise<EmbeddingRecord[]> {
    await this.#waitForEnd(id, options);
    const { records } = await readRecords(this.#client, this.#keys, id);
    if (records.length === 0) return [{ status: "failed", attempts: 0, failure: CANCELLED }];
    return records.map(({ attempts, tokens, vector, failure }): EmbeddingRecord => {
      if (!vector) return { status: "failed", attempts, failure: failure ?? CANCELLED };
      // A copy of its own: the frame may start at any byte, and float32 needs whole ones.
      return { status: "ok", attempts, tokens, vector: new Float32Array(new Uint8Array(vector).buffer) };
    });
  }

  async *stream(id: string, { signal, after = "0-0" }: StreamOptions = {}): AsyncGenerator<StreamEvent> {
    const keys = this.#keys.item(id);
    const watch = await this.#watch.watch(id);
    const reduce = reduceStream();
    let position = after;
    try {
      for (;;) {
        signal?.throwIfAborted();
        const partials = await readPartials(this.#client, keys, position);
        for (const partial of partials) {
          position = partial.id;
          const event = reduce(partial);
          if (event) yield event;
          if (event?.type === "end" || event?.type === "error") return;
        }
        if (partials.length > 0) continue;
        const ended = await this.#endWithoutPartials(id, position);
        if (ended) {
          yield* ended;
          return;
        }
        await watch.next(signal);
      }
    } finally {
      await watch.stop();
    }
  }

  /**
   * The events of an item that is over and has no partials to read (it was not asked to stream): its text in one
   * piece, and its end. Undefined while there is something to wait for or to read.
   */
  async #endWithoutPartials(id: string, position: string): Promise<StreamEvent[] | undefined> {
    const status = await readStatus(this.#client, this.#keys, id);
    if (!status) throw new UnknownItemError(id);
    if (status.state !== "done" && status.state !== "cancelled") return undefined;
    const late = await readPartials(this.#client, this.#keys.item(id), position, 1);
    if (late.length > 0) return undefined;
    const record = await this.result(id);
    if (record.status === "failed") return [{ id: position, type: "error", failure: record.failure }];
    const { text, finishReason, usage } = record.response;
    const sha256 = createHash("sha256").update(text).digest("hex");
    return [
      { id: position, type: "delta", text },
      { id: position, type: "end", finishReason, usage, length: text.length, sha256 },
    ];
  }

  status(id: string): Promise<ItemStatus | undefined> {
    return readStatus(this.#client, this.#keys, id);
  }

  async cancel(id: string): Promise<ItemStatus["state"]> {
    const state = await cancelItem(this.#client, this.#keys, id);
    if (state === undefined) throw new UnknownItemError(id);
    return state;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.close()));
    await this.#leave();
  }

  async #submit(
    id: string,
    payload: ChatPayload | EmbeddingPayload,
    options: {
      readonly priority: JobPriority | undefined;
      readonly metadata: unknown;
      readonly ttlMs: number | undefined;
      readonly total: number;
      readonly request?: string;
    },
  ): Promise<void> {
    const { priority = "interactive", metadata, ttlMs = DEFAULT_TTL_MS, total, request } = options;
    const item = {
      kind: payload.kind,
      model: `${payload.provider}/${payload.model}`,
      total,
      submittedAt: Date.now(),
      ...(metadata === undefined ? {} : { metadata }),
      ...(request === undefined ? {} : { request }),
    };
    await noteItem(this.#client, this.#keys, id, item, ttlMs);
    // Also when the item was known: its submitter may have died before the job was queued, and a job that exists
    // is left alone.
    await this.#queue(payload.provider, payload.kind, priority).add(payload.kind, payload, {
      jobId: id,
      attempts: QUEUE_SETTINGS.attempts,
      backoff: { type: "custom" },
      removeOnComplete: true,
      removeOnFail: { count: 5_000, age: 7 * 24 * 3600 },
      stackTraceLimit: 3,
    });
  }

  #queue(provider: string, kind: JobKind, priority: JobPriority): Queue {
    const name = queueName(provider, kind, priority);
    const known = this.#queues.get(name);
    if (known) return known;
    const queue = new Queue(name, {
      connection: this.#source.connect("bullmq"),
      prefix: this.#keys.queuePrefix(name),
      streams: { events: { maxLen: QUEUE_SETTINGS.eventsMaxLength } },
    });
    queue.on("error", () => undefined);
    this.#queues.set(name, queue);
    return queue;
  }

  async #waitForEnd(id: string, { signal, timeoutMs }: WaitOptions): Promise<void> {
    const deadline = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
    const either = [signal, deadline].filter((one) => one !== undefined);
    const stop = either.length > 0 ? AbortSignal.any(either) : undefined;
    const watch = await this.#watch.watch(id);
    try {
      for (;;) {
        const status = await readStatus(this.#client, this.#keys, id);
        if (!status) throw new UnknownItemError(id);
        if (status.state === "done" || status.state === "cancelled") return;
        await watch.next(stop);
      }
    } catch (error) {
      if (deadline?.aborted && !signal?.aborted) throw new ResultTimeoutError(id, timeoutMs ?? 0);
      throw error;
    } finally {
      await watch.stop();
    }
  }
}

const CANCELLED: Failure = { kind: "cancelled", message: "the item was cancelled" };

function splitModel(fullName: string): { provider: string; model: string } {
  const slash = fullName.indexOf("/");
  if (slash <= 0 || slash === fullName.length - 1) {
    throw new InputError(`model must be "provider/model", not "${fullName.slice(0, 100)}"`);
  }
  return { provider: fullName.slice(0, slash), model: fullName.slice(slash + 1) };
}

/** Ids are ours: random, or a hash of the caller's key. No text of a user's ever becomes one. */
function itemId(idempotencyKey: string | undefined): string {
  if (idempotencyKey === undefined) return `c-${randomBytes(16).toString("hex")}`;
  return `k-${createHash("sha256").update(idempotencyKey).digest("hex").slice(0, 32)}`;
}

function describeIssues(
  issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[],
): string {
  return issues.map(({ path, message }) => `${path.map(String).join(".")}: ${message}`).join("; ");
}
