import { InputError } from "#src/core/failures/errors.ts";
import { requireModelName } from "#src/core/model-name.ts";
import { estimateTokens } from "#src/producer/input/chunking/estimate-tokens.ts";
import {
  type ChatPayload,
  chatRequestSchema,
  type EmbeddingPayload,
  estimateAnswerTokens,
  MAX_JOB_BYTES,
  type RerankPayload,
  rerankRequestSchema,
} from "#src/queues/payload.ts";
import { composeRequest } from "./compose-request.ts";
import type { SubmitChatOptions, SubmitEmbeddingOptions, SubmitRerankOptions } from "./sluice-client.ts";

/**
 * Creates the job of a chat item and returns the bytes of its request. A request that is too large for a job is returned
 * separately. Throws InputError.
 */
export function createChatPayload(
  id: string,
  options: SubmitChatOptions,
): { readonly payload: ChatPayload; readonly bytes: number; readonly request?: string } {
  const { model: fullName, priority, idempotencyKey, metadata, ttlMs, tenant, stream = false, ...rest } = options;
  const { provider, model } = requireModelName(fullName);
  const parsed = chatRequestSchema.safeParse(composeRequest(provider, rest));
  if (!parsed.success) throw new InputError(describeIssues(parsed.error.issues), "submitChat");
  const text = JSON.stringify(parsed.data);
  const bytes = Buffer.byteLength(text);
  const isLarge = bytes > MAX_JOB_BYTES;
  const item = {
    index: 0,
    item: id,
    tokens: estimateTokens(text) + estimateAnswerTokens(parsed.data),
    stream: stream || undefined,
    request: isLarge ? null : parsed.data,
  };
  const payload: ChatPayload = { v: 2, kind: "chat", provider, model, items: [item], tenant };
  return isLarge ? { payload, bytes: 0, request: text } : { payload, bytes };
}

/** Creates the job of an embedding item. Throws InputError. */
export function createEmbeddingPayload(
  id: string,
  { model: fullName, inputs, purpose = "db", dimensions, tokenIds, options, tenant }: SubmitEmbeddingOptions,
): EmbeddingPayload {
  if (inputs.length === 0) throw new InputError("inputs must contain at least one text", "submitEmbedding");
  const empty = inputs.findIndex((input) => typeof input !== "string" || input.trim() === "");
  if (empty >= 0) throw new InputError(`inputs[${empty}] is empty or not a string`, "submitEmbedding");
  const { provider, model } = requireModelName(fullName);
  return {
    v: 2,
    kind: "embedding",
    item: id,
    provider,
    model,
    purpose,
    dimensions,
    tokenIds,
    options,
    items: inputs.map((text, index) => [index, estimateTokens(text), text]),
    tenant,
  };
}

/** Creates the job of a rerank item. A request that is too large for a job is returned separately. Throws InputError. */
export function createRerankPayload(
  id: string,
  { model: fullName, query, documents, tenant }: SubmitRerankOptions,
): { readonly payload: RerankPayload; readonly request?: string } {
  const { provider, model } = requireModelName(fullName);
  const parsed = rerankRequestSchema.safeParse({ query, documents });
  if (!parsed.success) throw new InputError(describeIssues(parsed.error.issues), "submitRerank");
  if (query.trim() === "") throw new InputError("query is empty", "submitRerank");
  const empty = documents.findIndex((document) => document.trim() === "");
  if (empty >= 0) throw new InputError(`documents[${empty}] is empty`, "submitRerank");
  const text = JSON.stringify(parsed.data);
  const isLarge = Buffer.byteLength(text) > MAX_JOB_BYTES;
  // A model reads the query once per document.
  const tokens = estimateTokens(text) + estimateTokens(query) * (documents.length - 1);
  const item = { index: 0, tokens, request: isLarge ? null : parsed.data };
  const payload: RerankPayload = { v: 2, kind: "rerank", item: id, provider, model, items: [item], tenant };
  return isLarge ? { payload, request: text } : { payload };
}

function describeIssues(
  issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[],
): string {
  return issues.map(({ path, message }) => `${path.map(String).join(".")}: ${message}`).join("; ");
}
