import type { Call, EmbeddingModel, ModelData } from "#src/providers/provider.ts";
import type { HttpResponse } from "#src/providers/transport/transport.ts";
import { decodeOpenaiEmbedding, type EmbeddingDialect, encodeOpenaiEmbedding } from "./embedding-codec.ts";

/** An embedding model of the OpenAI protocol. `post` makes one call with the given JSON body. */
export function createOpenaiEmbeddingModel(
  data: ModelData,
  dialect: EmbeddingDialect,
  post: (body: string, call: Call) => Promise<HttpResponse>,
): EmbeddingModel {
  return {
    maxInputs: dialect.maxInputs,
    maxTokens: data.maxTokens,
    maxBatchTokens: data.maxBatchTokens,
    async embed(request, call) {
      const response = await post(encodeOpenaiEmbedding(data, request, dialect), call);
      const expected = { count: request.inputs.length, dimensions: request.dimensions ?? data.dimensions };
      return decodeOpenaiEmbedding(response, expected, Date.now(), dialect);
    },
  };
}
