import * as z from "zod";
import type { ApiContext } from "#src/api/api-context.ts";
import { createEmbeddings, embeddingBody } from "#src/api/embeddings/embedding-routes.ts";
import { idempotencyHeaders } from "#src/api/http/idempotency-header.ts";
import type { ApiPlugin } from "#src/api/http/typed-server.ts";
import { estimateTokens } from "#src/producer/input/chunking/estimate-tokens.ts";

const tokenCheckBody = z.object({
  prompts: z
    .array(z.object({ model: z.string().min(1).max(400), prompt: z.string(), max_tokens: z.int().min(0).default(0) }))
    .min(1)
    .max(1_000),
});
const modelParams = z.object({ model: z.string().min(1).max(400) });

/** Routes of FastChat's server that OpenAI's API does not have. */
export function fastchatRoutes(context: ApiContext): ApiPlugin {
  return async (server) => {
    const tags = ["FastChat"];
    server.post(
      "/api/v1/token_check",
      { schema: { tags, summary: "Check whether prompts fit into the context of a model", body: tokenCheckBody } },
      async ({ body }, reply) => {
        reply.header("x-sluice-token-count", "estimate");
        const prompts = await Promise.all(
          body.prompts.map(async ({ model, prompt, max_tokens: answer }) => {
            const { data } = await context.models.find(model, "chat");
            const tokenCount = estimateTokens(prompt);
            const contextLength = data.maxTokens ?? null;
            return { fits: contextLength === null || tokenCount + answer <= contextLength, tokenCount, contextLength };
          }),
        );
        return { prompts };
      },
    );
    server.post(
      "/v1/engines/:model/embeddings",
      {
        schema: {
          tags,
          summary: "Embed texts with the model of the path",
          params: modelParams,
          body: embeddingBody.omit({ model: true }),
          headers: idempotencyHeaders,
        },
      },
      async (request, reply) => {
        const { headers, body } = await createEmbeddings(context, {
          caller: request.caller,
          body: { ...request.body, model: request.params.model },
          idempotencyKey: request.headers["idempotency-key"],
          route: "embeddings",
        });
        reply.headers(headers);
        return body;
      },
    );
  };
}
