import * as z from "zod";
import { type SpanAttributes, TRACE_CONTEXT } from "#src/core/tracer.ts";

/** A tenant may get this many turns while another one gets one. */
export const MAX_TENANT_WEIGHT = 100;

/** Trace context of the submitter, if the job is traced. */
const traceContext = z.string().regex(TRACE_CONTEXT).optional();

/** Whose items a job carries, and its share of queues and lanes in relation to other tenants. */
export const tenantShare = z.strictObject({
  id: z.string().min(1).max(64),
  weight: z.int().min(1).max(MAX_TENANT_WEIGHT),
});
export type TenantShare = z.infer<typeof tenantShare>;
/** Jobs of the HTTP API name their tenant; all others belong to the operator. */
const tenant = tenantShare.optional();

/** [index, estimated tokens, text] of one item. */
const itemTuple = z.tuple([z.int().nonnegative(), z.int().nonnegative(), z.string()]);

/**
 * Payload of an embedding job: items of one run, or a standalone item, for one model. It never contains secrets or
 * accounts, which are in the worker's configuration. Raise `v` with every change of the shape: workers of both versions
 * may run at the same time. A field that is only set for new features needs none: a worker that lacks the feature refuses it.
 */
export const embeddingPayload = z
  .strictObject({
    v: z.literal(2),
    kind: z.literal("embedding"),
    /** Id of the run. A standalone item has `item` instead. */
    run: z.string().min(1).max(64).optional(),
    item: z.string().min(1).max(64).optional(),
    provider: z.string().min(1).max(64),
    model: z.string().min(1).max(128),
    purpose: z.enum(["db", "query"]),
    dimensions: z.int().positive().optional(),
    /** Further fields of the calls. */
    options: z.record(z.string(), z.unknown()).optional(),
    /** The texts of the items are lists of token ids as JSON. */
    tokenIds: z.boolean().optional(),
    /** Whether calls may carry a canary. */
    canaries: z.boolean().optional(),
    items: z.array(itemTuple).min(1).max(10_000),
    tenant,
    trace: traceContext,
  })
  .refine(({ run, item }) => (run === undefined) !== (item === undefined), "needs either run or item");
export type EmbeddingPayload = z.infer<typeof embeddingPayload>;

const chatMessage = z.looseObject({
  role: z.enum(["system", "user", "assistant", "tool"]),
  content: z.union([z.string(), z.array(z.looseObject({ type: z.string() })), z.null()]),
});

/** Shape of a chat request. The provider's adapter checks the values before the call. */
export const chatRequestSchema = z.strictObject({
  messages: z.array(chatMessage).min(1),
  operation: z.exactOptional(z.enum(["moderation"])),
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
  /** Position in the run; 0 for a standalone item. */
  index: z.int().nonnegative(),
  /** Id of a standalone item. */
  item: z.string().min(1).max(64).optional(),
  /** Whether the worker writes partials while the answer arrives. */
  stream: z.boolean().optional(),
  /** Estimated tokens of the request and its answer. */
  tokens: z.int().nonnegative(),
  /** Null if the request is too large for a job and is stored with the item. */
  request: chatRequestSchema.nullable(),
});
export type ChatItem = z.infer<typeof chatItem>;

/**
 * Payload of a chat job: items of one run, or standalone items that were submitted at the same moment, for one model.
 * Each item is a separate call, but the queue handles them as one job.
 */
export const chatPayload = z
  .strictObject({
    v: z.literal(2),
    kind: z.literal("chat"),
    provider: z.string().min(1).max(64),
    model: z.string().min(1).max(128),
    /** Id of the run; without it, each item has its own id. */
    run: z.string().min(1).max(64).optional(),
    items: z.array(chatItem).min(1).max(1_000),
    tenant,
    trace: traceContext,
  })
  .refine(
    ({ run, items }) => items.every(({ item }) => (run === undefined) === (item !== undefined)),
    "needs either run, or an id for each item",
  );
export type ChatPayload = z.infer<typeof chatPayload>;

/** Shape of a rerank request. */
export const rerankRequestSchema = z.object({ query: z.string(), documents: z.array(z.string()).min(1) });

/** Payload of a rerank job: items of one run, or a standalone item, each with one query. */
const rerankPayload = z
  .strictObject({
    v: z.literal(2),
    kind: z.literal("rerank"),
    provider: z.string().min(1).max(64),
    model: z.string().min(1).max(128),
    /** Id of the run. A standalone item has `item` instead. */
    run: z.string().min(1).max(64).optional(),
    item: z.string().min(1).max(64).optional(),
    items: z
      .array(
        z.strictObject({
          index: z.int().nonnegative(),
          /** Estimated tokens, or search units. */
          tokens: z.int().nonnegative(),
          /** Null if the request is too large for a job and is stored with the run or the item. */
          request: rerankRequestSchema.nullable(),
        }),
      )
      .min(1)
      .max(1_000),
    tenant,
    trace: traceContext,
  })
  .refine(({ run, item }) => (run === undefined) !== (item === undefined), "needs either run or item");
export type RerankPayload = z.infer<typeof rerankPayload>;

const jobPayload = z.discriminatedUnion("kind", [embeddingPayload, chatPayload, rerankPayload]);
export type JobPayload = z.infer<typeof jobPayload>;

/** The payload of a job; undefined if it is malformed or has another version. */
export function parsePayload(data: unknown): JobPayload | undefined {
  return jobPayload.safeParse(data).data;
}

/** Attributes of a job's spans: names and counts only, never texts. */
export function describePayload(payload: JobPayload): SpanAttributes {
  const { kind, provider, model, run, items } = payload;
  const shared = { "sluice.kind": kind, "sluice.provider": provider, "sluice.model": model };
  const item = payload.kind === "chat" ? payload.items[0]?.item : payload.item;
  return { ...shared, "sluice.run": run, "sluice.item": item, "sluice.items": items.length };
}

/** Assumed tokens of an answer whose request sets no limit. */
const DEFAULT_ANSWER_TOKENS = 512;
/** The maximum or else the usual tokens of an answer. */
export function estimateAnswerTokens({
  maxTokens,
  operation,
}: Pick<z.infer<typeof chatRequestSchema>, "maxTokens" | "operation">): number {
  return maxTokens ?? (operation === undefined ? DEFAULT_ANSWER_TOKENS : 0);
}
/** Maximum bytes of text in a job, unless a single item is larger. Small jobs keep Redis commands short. */
export const MAX_JOB_BYTES = 64 * 1024;
/** Upstream calls per job: enough to make the queue's cost per item small, and few enough to lose little in a crash. */
export const CALLS_PER_JOB = 8;
