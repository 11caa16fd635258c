import { rm } from "node:fs/promises";
import { Readable } from "node:stream";
import * as z from "zod";
import type { Caller } from "#src/api/access/caller.ts";
import type { ApiContext } from "#src/api/api-context.ts";
import { isFinal, type StoredBatch } from "#src/api/batches/batch-object.ts";
import { readBatchProgress } from "#src/api/batches/batch-progress.ts";
import { beginBatch } from "#src/api/batches/begin-batch.ts";
import { MAX_REQUESTS } from "#src/api/batches/inspect-input.ts";
import { readBatchResults } from "#src/api/batches/read-batch-results.ts";
import { API_ERRORS } from "#src/api/http/api-error.ts";
import { idempotencyHeaders } from "#src/api/http/idempotency-header.ts";
import type { ApiPlugin } from "#src/api/http/typed-server.ts";
import { messageBody } from "#src/api/messages/message-body.ts";
import { fromMessageBatchId, toMessageBatchId, writeMessageBatch } from "./message-batch-object.ts";
import { toMessageResult } from "./to-message-result.ts";
import { type MessageRequest, translateRequests, writeLines } from "./write-requests.ts";

const DAY_MS = 24 * 3600_000;
const MAX_BODY_BYTES = 256 * 1024 * 1024;

const createBody = z.object({
  requests: z
    .array(z.object({ custom_id: z.string().min(1).max(64), params: messageBody }))
    .min(1)
    .max(MAX_REQUESTS)
    .refine((all) => new Set(all.map((each) => each.custom_id)).size === all.length, "expected different custom_ids"),
});
const idParams = z.object({ id: z.string().max(100) });
const listQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(20),
  after_id: z.string().max(100).optional(),
});

/** Anthropic's message batches, for any provider. */
export function messageBatchRoutes(context: ApiContext): ApiPlugin {
  const { batches, runner, clock } = context;
  const requireBatch = async (tenant: string, id: string) => {
    const batch = await batches.get(tenant, fromMessageBatchId(id));
    if (!batch?.isOfMessages) throw API_ERRORS.unknownObject("message batch");
    return batch;
  };
  const describe = async (batch: StoredBatch, request: { readonly protocol: string; readonly host: string }) => {
    const progress = await readBatchProgress(batches, batch);
    const requests = Number(batch.metadata?.requests ?? 0);
    return writeMessageBatch(batch, progress, { requests, baseUrl: `${request.protocol}://${request.host}` });
  };
  return async (server) => {
    const tags = ["Anthropic"];
    server.post(
      "/v1/messages/batches",
      {
        bodyLimit: MAX_BODY_BYTES,
        schema: { tags, summary: "Create a batch of messages", body: createBody, headers: idempotencyHeaders },
      },
      async (request) => {
        const { requests } = request.body;
        const batch = await create(context, request.caller, requests, request.headers["idempotency-key"]);
        runner.wake();
        return await describe(batch, request);
      },
    );
    server.get(
      "/v1/messages/batches",
      { schema: { tags, summary: "List batches of messages", querystring: listQuery } },
      async (request) => {
        const { limit, after_id: after } = request.query;
        const query = { limit, after: after && fromMessageBatchId(after) };
        const page = await batches.list(request.caller.tenant, query, (batch) => batch.isOfMessages === true);
        const data = await Promise.all(page.data.map((batch) => describe(batch, request)));
        return { data, has_more: page.has_more, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
      },
    );
    server.get(
      "/v1/messages/batches/:id",
      { schema: { tags, summary: "Describe a batch of messages", params: idParams } },
      async (request) => await describe(await requireBatch(request.caller.tenant, request.params.id), request),
    );
    server.post(
      "/v1/messages/batches/:id/cancel",
      { schema: { tags, summary: "Cancel a batch of messages; what was answered is kept", params: idParams } },
      async (request) => {
        const batch = await requireBatch(request.caller.tenant, request.params.id);
        if (!isFinal(batch.status)) await batches.requestCancel(batch, clock.now());
        return await describe(batch, request);
      },
    );
    server.delete(
      "/v1/messages/batches/:id",
      { schema: { tags, summary: "Delete a batch of messages that has ended", params: idParams } },
      async ({ caller, params }) => {
        const batch = await requireBatch(caller.tenant, params.id);
        if (!isFinal(batch.status)) throw API_ERRORS.invalidValue("id", "The batch has not ended. Cancel it first.");
        await rm(batches.paths(batch).folder, { recursive: true, force: true });
        return { id: toMessageBatchId(batch.id), type: "message_batch_deleted" };
      },
    );
    server.get(
      "/v1/messages/batches/:id/results",
      { schema: { tags, summary: "Read the results of a batch, in the order of its requests", params: idParams } },
      async ({ caller, params }, reply) => {
        const batch = await requireBatch(caller.tenant, params.id);
        if (!isFinal(batch.status)) throw API_ERRORS.invalidValue("id", "The batch has not ended.");
        reply.type("application/x-jsonl");
        const lines = readBatchResults(batches.paths(batch), batch, 0);
        return Readable.from(lines).map((line: string) => toMessageResult(line));
      },
    );
  };
}

async function create(
  context: ApiContext,
  caller: Caller,
  requests: readonly MessageRequest[],
  key: string | undefined,
): Promise<StoredBatch> {
  const { batches, models } = context;
  const { known, begun } = await beginBatch(context, caller, { route: "message-batches", key, body: requests });
  if (known) return known;
  const batch: StoredBatch = {
    ...begun,
    endpoint: "/v1/chat/completions",
    isOfMessages: true,
    completionWindow: "24h",
    metadata: { requests: String(requests.length) },
    expiresAt: begun.createdAt + DAY_MS,
  };
  const { folder, input } = batches.paths(batch);
  try {
    await writeLines(input, translateRequests(requests, models));
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  return await batches.create(batch);
}
