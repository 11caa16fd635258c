import * as z from "zod";

/** [index, estimated tokens, text] of one item. */
const itemTuple = z.tuple([z.int().nonnegative(), z.int().nonnegative(), z.string()]);

/**
 * What an embedding job carries: items of one run for one model. Secrets and accounts are never in it; only the
 * worker's configuration has them. Change the shape only together with `v`; workers of both versions may run at
 * the same time.
 */
export const embeddingPayload = z.strictObject({
  v: z.literal(1),
  kind: z.literal("embedding"),
  run: z.string().min(1).max(64),
  provider: z.string().min(1).max(64),
  model: z.string().min(1).max(128),
  purpose: z.enum(["db", "query"]),
  dimensions: z.int().positive().optional(),
  items: z.array(itemTuple).min(1).max(10_000),
});
export type EmbeddingPayload = z.infer<typeof embeddingPayload>;

/** Bytes of text a job carries at most, unless a single item is larger. Small jobs keep Redis calls short. */
export const MAX_JOB_BYTES = 64 * 1024;
