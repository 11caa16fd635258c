import * as z from "zod";
import type { ApiContext } from "#src/api/api-context.ts";
import { awaitItem } from "#src/api/chat/await-chat.ts";
import { idempotencyHeaders } from "#src/api/http/idempotency-header.ts";
import type { ApiPlugin } from "#src/api/http/typed-server.ts";
import { collectVectors, type EmbeddingCall, startEmbeddings } from "./start-embeddings.ts";
import { writeEmbeddings } from "./write-embeddings.ts";

/** Fields that OpenAI does not define are passed on where the model has them. */
export const embeddingBody = z.looseObject({
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
        route: "embeddings",
      });
      reply.headers(headers);
      return body;
    });
  };
}

/** Queues the texts as one item and waits for their vectors. Throws an ApiError. */
export async function createEmbeddings(context: ApiContext, call: EmbeddingCall) {
  const started = await startEmbeddings(context, call);
  const { id, model, encoding, admission } = started;
  const records = await awaitItem(context, started, (options) => context.sluice.vectors(id, options));
  try {
    const { vectors, tokens } = collectVectors(records);
    await admission.settle({ inputTokens: tokens });
    return {
      headers: { ...admission.headers, "x-sluice-item": id },
      body: writeEmbeddings(vectors, { encoding, model: model.fullName, tokens }),
    };
  } catch (error) {
    await admission.settle(undefined);
    throw error;
  }
}
