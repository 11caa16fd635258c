import { Readable } from "node:stream";
import * as z from "zod";
import type { Caller } from "#src/api/access/caller.ts";
import type { ApiContext } from "#src/api/api-context.ts";
import { API_ERRORS } from "#src/api/http/api-error.ts";
import { idempotencyHeaders } from "#src/api/http/idempotency-header.ts";
import type { ApiPlugin } from "#src/api/http/typed-server.ts";
import { BATCH_ENDPOINTS } from "#src/producer/openai-batch/lines/openai-line.ts";
import { isFinal, type StoredBatch, writeBatch } from "./batch-object.ts";
import { readBatchProgress } from "./batch-progress.ts";
import { beginBatch } from "./begin-batch.ts";
import { MAX_INPUT_BYTES } from "./inspect-input.ts";
import { readBatchResults } from "./read-batch-results.ts";

const HOUR_MS = 3600_000;
const MAX_WINDOW_MS = 24 * HOUR_MS;

const createBody = z.object({
  input_file_id: z.string().max(100),
  endpoint: z.enum(BATCH_ENDPOINTS),
  completion_window: z
    .string()
    .regex(/^\d{1,4}[hm]$/, 'expected a time such as "24h" or "90m"')
    .describe("At most 24h; what is not answered by then expires"),
  metadata: z
    .record(z.string().max(64), z.string().max(512))
    .refine((pairs) => Object.keys(pairs).length <= 16, "expected at most 16 pairs")
    .nullish(),
  output_expires_after: z
    .object({ anchor: z.literal("created_at"), seconds: z.int().min(3600).max(2_592_000) })
    .nullish(),
});
const idParams = z.object({ id: z.string().max(100) });
const listQuery = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  after: z.string().max(100).optional(),
});
const resultsQuery = z.object({
  after: z.coerce.number().int().min(0).default(0).describe("Leave out the lines of this many requests"),
});

/** OpenAI's batches: a file of requests whose answers become a file. */
export function batchRoutes(context: ApiContext): ApiPlugin {
  const { batches, runner, clock } = context;
  const requireBatch = async (tenant: string, id: string) => {
    const batch = await batches.get(tenant, id);
    if (!batch || batch.isOfMessages) throw API_ERRORS.unknownObject("batch");
    return batch;
  };
  const describe = async (batch: StoredBatch) => writeBatch(batch, await readBatchProgress(batches, batch));
  return async (server) => {
    const tags = ["Batches"];
    server.post(
      "/v1/batches",
      {
        schema: {
          tags,
          summary: "Create a batch of requests from a file",
          body: createBody,
          headers: idempotencyHeaders,
        },
      },
      async ({ caller, body, headers }) => {
        const batch = await createBatch(context, caller, body, headers["idempotency-key"]);
        runner.wake();
        return await describe(batch);
      },
    );
    server.get(
      "/v1/batches",
      { schema: { tags, summary: "List batches", querystring: listQuery } },
      async ({ caller, query }) => {
        const page = await batches.list(caller.tenant, query, (batch) => !batch.isOfMessages);
        return { ...page, data: await Promise.all(page.data.map(describe)) };
      },
    );
    server.get(
      "/v1/batches/:id",
      { schema: { tags, summary: "Describe a batch", params: idParams } },
      async ({ caller, params }) => await describe(await requireBatch(caller.tenant, params.id)),
    );
    server.get(
      "/v1/batches/:id/results",
      {
        schema: {
          tags,
          summary: "Read the lines of a batch in order, also while it runs",
          params: idParams,
          querystring: resultsQuery,
        },
      },
      async ({ caller, params, query }, reply) => {
        const batch = await requireBatch(caller.tenant, params.id);
        reply.type("application/x-ndjson");
        return Readable.from(readBatchResults(batches.paths(batch), batch, query.after));
      },
    );
    server.post(
      "/v1/batches/:id/cancel",
      { schema: { tags, summary: "Cancel a batch; what was answered is kept", params: idParams } },
      async ({ caller, params }) => {
        const batch = await requireBatch(caller.tenant, params.id);
        if (isFinal(batch.status)) {
          const message = `The batch is ${batch.status} and cannot be cancelled.`;
          throw API_ERRORS.invalidValue("id", message, "batch_ended");
        }
        await batches.requestCancel(batch, clock.now());
        return await describe(batch);
      },
    );
  };
}

async function createBatch(
  context: ApiContext,
  caller: Caller,
  body: z.infer<typeof createBody>,
  key: string | undefined,
): Promise<StoredBatch> {
  const { files, batches } = context;
  const { tenant } = caller;
  const windowMs = parseWindow(body.completion_window);
  if (windowMs === 0 || windowMs > MAX_WINDOW_MS) {
    throw API_ERRORS.invalidValue("completion_window", "The completion window must be at least 1m and at most 24h.");
  }
  const { known, begun } = await beginBatch(context, caller, { route: "batches", key, body });
  if (known) return known;
  const file = await files.get(tenant, body.input_file_id);
  if (!file) throw API_ERRORS.unknownObject("file");
  if (file.purpose !== "batch") {
    const message = `The purpose of ${file.id} is "${file.purpose}". Upload the file with the purpose "batch".`;
    throw API_ERRORS.invalidValue("input_file_id", message);
  }
  if (file.bytes > MAX_INPUT_BYTES) {
    const message = `The file has ${file.bytes} bytes; a batch can have ${MAX_INPUT_BYTES}. Split it.`;
    throw API_ERRORS.invalidValue("input_file_id", message, "file_too_large");
  }
  const batch: StoredBatch = {
    ...begun,
    endpoint: body.endpoint,
    inputFileId: file.id,
    completionWindow: body.completion_window,
    outputTtlMs: body.output_expires_after ? body.output_expires_after.seconds * 1000 : undefined,
    metadata: body.metadata ?? null,
    expiresAt: begun.createdAt + windowMs,
  };
  // Linked before the batch exists: from then on, deleting the file does not disturb it.
  await files.linkContent(tenant, file.id, batches.paths(batch).input);
  return await batches.create(batch);
}

function parseWindow(text: string): number {
  const amount = Number(text.slice(0, -1));
  return text.endsWith("h") ? amount * HOUR_MS : amount * 60_000;
}
