import * as z from "zod";
import { type SpanAttributes, TRACE_CONTEXT } from "#src/core/tracer.ts";

/** Where its trace goes on, when it is traced. */
const traceContext = z.string().regex(TRACE_CONTEXT).optional();

/** [index, estimated tokens, text] of one item. */
const itemTuple = z.tuple([z.int().nonnegative(), z.int().nonnegative(), z.string()]);

/**
 * What an embedding job carries: items of one run for one model. Secrets and accounts are never in it; only the
 * worker's configuration has them. Change the shape only together with `v`; workers of both versions may run at
 * the same time.
 */
export const embeddingPayload = z
  .strictObject({
    v: z.literal(1),
    kind: z.literal("embedding"),
    /** The run the items belong to; `item` instead for texts submitted on their own. */
    run: z.string().min(1).max(64).optional(),
    item: z.string().min(1).max(64).optional(),
    provider: z.string().min(1).max(64),
    model: z.string().min(1).max(128),
    purpose: z.enum(["db", "query"]),
    dimensions: z.int().positive().optional(),
    items: z.array(itemTuple).min(1).max(10_000),
    trace: traceContext,
  })
  .refine(({ run, item }) => (run === undefined) !== (item === undefined), "needs either run or item");
export type EmbeddingPayload = z.infer<typeof embeddingPayload>;

const chatMessage = z.looseObject({
  role: z.enum(["system", "user", "assistant", "tool"]),
  content: z.union([z.string(), z.array(z.looseObject({ type: z.string() })), z.null()]),
});

/** Shape of a chat request; what a provider makes of its values is checked by its adapter, before the call. */
export const chatRequestSchema = z.strictObject({
  messages: z.array(chatMessage).min(1),
  maxTokens: z.exactOptional(z.int().positive()),
  temperature: z.exactOptional(z.number()),
  topP: z.exactOptional(z.number()),
  stop: z.exactOptional(z.array(z.string())),
  seed: z.exactOptional(z.int()),
  user: z.exactOptional(z.string()),
  tools: z.exactOptional(z.array(z.unknown())),
  toolChoice: z.exactOptional(z.unknown()),
  responseFormat: z.exactOptional(z.unknown()),
  extra: z.exactOptional(z.record(z.string(), z.unknown())),
});

const chatItem = z.strictObject({
  /** Its place in the run; 0 for an item submitted on its own. */
  index: z.int().nonnegative(),
  /** The item's own id, where it belongs to no run. */
  item: z.string().min(1).max(64).optional(),
  /** Write deltas while the answer comes. */
  stream: z.boolean().optional(),
  /** Estimated tokens of the request and its answer. */
  tokens: z.int().nonnegative(),
  /** Null when it is too large for a job and stands with the item. */
  request: chatRequestSchema.nullable(),
});
export type ChatItem = z.infer<typeof chatItem>;

/**
 * What a chat job carries: items of one run, or items that were submitted on their own at the same moment, for one
 * model. Each is a call of its own; together they cost the queue as much as one.
 */
export const chatPayload = z
  .strictObject({
    v: z.literal(2),
    kind: z.literal("chat"),
    provider: z.string().min(1).max(64),
    model: z.string().min(1).max(128),
    /** The run the items belong to; without it each has its own id. */
    run: z.string().min(1).max(64).optional(),
    items: z.array(chatItem).min(1).max(1_000),
    trace: traceContext,
  })
  .refine(
    ({ run, items }) => items.every(({ item }) => (run === undefined) === (item !== undefined)),
    "items need either the run or ids of their own",
  );
export type ChatPayload = z.infer<typeof chatPayload>;

const jobPayload = z.discriminatedUnion("kind", [embeddingPayload, chatPayload]);

/** What a job carries, or undefined when it is not of this version. */
export function parsePayload(data: unknown): EmbeddingPayload | ChatPayload | undefined {
  return jobPayload.safeParse(data).data;
}

/** What a span may tell of a job: names and figures. */
export function describePayload(payload: EmbeddingPayload | ChatPayload): SpanAttributes {
  const { kind, provider, model, run, items } = payload;
  const shared = { "sluice.kind": kind, "sluice.provider": provider, "sluice.model": model };
  const item = payload.kind === "chat" ? payload.items[0]?.item : payload.item;
  return { ...shared, "sluice.run": run, "sluice.item": item, "sluice.items": items.length };
}

/** Tokens an answer probably has when its request sets no bound. */
export const DEFAULT_ANSWER_TOKENS = 512;
/** Bytes of text a job carries at most, unless a single item is larger. Small jobs keep Redis calls short. */
export const MAX_JOB_BYTES = 64 * 1024;
/** Upstream calls a job is for: the queue's cost per item becomes small, and a killed worker still gives back little. */
export const CALLS_PER_JOB = 8;
