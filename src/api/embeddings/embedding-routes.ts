import * as z from "zod";
import type { Caller } from "#src/api/access/caller.ts";
import type { ApiContext } from "#src/api/api-context.ts";
import { awaitItem } from "#src/api/chat/await-chat.ts";
import { scopeKey } from "#src/api/chat/start-chat.ts";
import { API_ERRORS } from "#src/api/http/api-error.ts";
import { failureToError } from "#src/api/http/failure-to-error.ts";
import { idempotencyHeaders } from "#src/api/http/idempotency-header.ts";
import type { ApiPlugin } from "#src/api/http/typed-server.ts";
import { estimateTokens } from "#src/producer/input/chunking/estimate-tokens.ts";
import {
  type EmbeddingBody,
  readEmbeddingRequest,
} from "#src/producer/openai-batch/requests/read-embedding-request.ts";
import type { JsonObject } from "#src/providers/json-value.ts";
import { writeEmbeddings } from "./write-embeddings.ts";

const embeddingBody = z.looseObject({
  model: z.string().min(1).max(400).describe('"provider/model", or the name of a model that only one provider has'),
  input: z
    .union([z.string(), z.array(z.union([z.string(), z.int(), z.array(z.int())])).min(1)])
    .describe("One text, up to 2,048 texts, or token ids where the model accepts them"),
  encoding_format: z.enum(["float", "base64"]).nullish(),
  dimensions: z.int().positive().nullish(),
});

/** OpenAI's embeddings, by any provider. */
export function embeddingRoutes(context: ApiContext): ApiPlugin {
  return async (server) => {
    const schema = { tags: ["OpenAI"], summary: "Embed texts", body: embeddingBody, headers: idempotencyHeaders };
    server.post("/v1/embeddings", { schema }, async (request, reply) => {
      const { headers, body } = await createEmbeddings(context, {
        caller: request.caller,
        body: request.body,
        idempotencyKey: request.headers["idempotency-key"],
      });
      reply.headers(headers);
      return body;
    });
  };
}

export interface EmbeddingCall {
  readonly caller: Caller;
  readonly body: JsonObject;
  readonly idempotencyKey: string | undefined;
}

/** Queues the texts as one item and waits for their vectors. Throws an ApiError. */
export async function createEmbeddings(context: ApiContext, { caller, body, idempotencyKey }: EmbeddingCall) {
  const read = readEmbeddingRequest(body);
  if ("problems" in read) throw API_ERRORS.invalidValue("input", `${read.problems.join("; ")}.`);
  if (read.model === undefined) throw API_ERRORS.invalidValue("model", 'The field "model" is missing.');
  const model = await context.models.find(read.model, "embedding");
  if (!caller.allowsModel(model.fullName)) throw API_ERRORS.forbiddenModel(model.fullName);
  if (read.tokenIds && !model.data.acceptsTokenIds) {
    throw API_ERRORS.invalidValue("input", `${model.fullName} accepts texts, not token ids.`);
  }
  const admission = await context.access.admit(caller, {
    model: model.fullName,
    inputTokens: countTokens(read),
    outputTokens: 0,
  });
  const { id } = await context.sluice
    .submitEmbedding({
      model: model.fullName,
      inputs: read.inputs,
      ...(read.tokenIds ? { tokenIds: true } : {}),
      ...(read.options === undefined ? {} : { options: read.options }),
      ...(read.dimensions === undefined ? {} : { dimensions: read.dimensions }),
      ttlMs: context.settings.ttlMs,
      metadata: { tenant: caller.tenant },
      ...(idempotencyKey === undefined ? {} : { idempotencyKey: scopeKey(caller, "embeddings", idempotencyKey) }),
    })
    .catch(async (error) => {
      await admission.settle(undefined);
      throw error;
    });
  admission.attach(id);
  const records = await awaitItem(context, { id, model, admission }, (options) => context.sluice.vectors(id, options));
  const vectors: Float32Array[] = [];
  let tokens = 0;
  for (const record of records) {
    if (record.status === "failed") {
      await admission.settle(undefined);
      throw failureToError(record.failure);
    }
    vectors.push(record.vector);
    tokens += record.tokens;
  }
  await admission.settle({ inputTokens: tokens });
  return {
    headers: { ...admission.headers, "x-sluice-item": id },
    body: writeEmbeddings(vectors, { encoding: read.encoding, model: model.fullName, tokens }),
  };
}

function countTokens({ inputs, partTokens }: EmbeddingBody): number {
  if (partTokens) return partTokens.reduce((sum, tokens) => sum + tokens, 0);
  return inputs.reduce((sum, text) => sum + estimateTokens(text), 0);
}
