import type { Call, EmbeddingModel, EmbeddingResponse, ModelData } from "#src/providers/provider.ts";
import type { HttpResponse } from "#src/providers/transport/transport.ts";
import { normalizeVectors } from "#src/providers/vectors/normalize-vectors.ts";
import { countVectorValues, findIntegerType } from "#src/providers/vectors/value-type.ts";
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
      const { inputs, options, dimensions: requested = data.dimensions } = request;
      const dimensions = requested && countVectorValues(requested, options);
      const expected = { count: inputs.length, dimensions, integerType: findIntegerType(options) };
      const answer = decodeOpenaiEmbedding(response, expected, Date.now(), dialect);
      // Some servers only cut off the values beyond the requested dimensions.
      if (expected.integerType === undefined && answer.dimensions < (data.dimensions ?? 0) && !hasUnitLength(answer))
        normalizeVectors(answer.vectors, answer.dimensions);
      return answer;
    },
  };
}

/** Whether the first vector has the length 1, as far as its precision allows. */
function hasUnitLength({ vectors, dimensions }: EmbeddingResponse): boolean {
  const length = Math.hypot(...vectors.subarray(0, dimensions));
  return Math.abs(length - 1) < 1e-3;
}
