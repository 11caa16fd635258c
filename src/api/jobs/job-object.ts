import type { ApiContext } from "#src/api/api-context.ts";
import { collectVectors } from "#src/api/embeddings/start-embeddings.ts";
import { writeEmbeddings } from "#src/api/embeddings/write-embeddings.ts";
import { API_ERRORS, ApiError } from "#src/api/http/api-error.ts";
import { failureToError } from "#src/api/http/failure-to-error.ts";
import { writeChatCompletion } from "#src/producer/openai-batch/requests/write-chat-completion.ts";
import { isObject } from "#src/providers/json-value.ts";
import type { ItemState, ItemStatus } from "#src/state/items/item-store.ts";

const STATUSES: Readonly<Record<ItemState, string>> = {
  queued: "queued",
  running: "running",
  done: "completed",
  cancelled: "cancelled",
};

/** Reads the status of an item. Throws an ApiError for an id that is unknown, has expired, or belongs to another tenant. */
export async function requireItem({ sluice }: ApiContext, tenant: string, id: string): Promise<ItemStatus> {
  const status = await sluice.status(id);
  const owner = isObject(status?.metadata) ? status.metadata.tenant : undefined;
  if (!status || owner !== tenant) throw API_ERRORS.unknownObject("job");
  return status;
}

/** An item as a job, with its response or its error if it has ended. */
export async function writeJob(context: ApiContext, id: string, status: ItemStatus) {
  const outcome = status.state === "done" ? await readOutcome(context, id, status) : {};
  const hasFailed = "error" in outcome;
  return {
    id,
    object: "job",
    kind: status.kind,
    model: status.model,
    status: hasFailed ? "failed" : STATUSES[status.state],
    created_at: Math.floor(status.submittedAt / 1000),
    expires_at: Math.floor((context.clock.now() + status.expiresInMs) / 1000),
    attempts: status.attempt,
    response: null,
    error: null,
    ...outcome,
  };
}

async function readOutcome(context: ApiContext, id: string, status: ItemStatus) {
  try {
    return { response: await readResponse(context, id, status) };
  } catch (error) {
    if (error instanceof ApiError) return error.body();
    throw error;
  }
}

async function readResponse({ sluice }: ApiContext, id: string, { kind, model, submittedAt }: ItemStatus) {
  if (kind === "embedding") {
    const { vectors, tokens } = collectVectors(await sluice.vectors(id));
    return writeEmbeddings(vectors, { encoding: "float", model, tokens });
  }
  if (kind === "rerank") {
    const record = await sluice.ranking(id);
    if (record.status === "failed") throw failureToError(record.failure);
    return record.response;
  }
  const record = await sluice.result(id);
  if (record.status === "failed") throw failureToError(record.failure);
  const created = Math.floor(submittedAt / 1000);
  return writeChatCompletion(record.response, { id: `chatcmpl-${id}`, created, model });
}
