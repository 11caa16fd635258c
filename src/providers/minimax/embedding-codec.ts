import { ProviderError } from "#src/core/failures/errors.ts";
import { findRequestId } from "#src/providers/openai-compatible/chat/chat-dialect.ts";
import type { EmbeddingRequest, EmbeddingResponse, Usage } from "#src/providers/provider.ts";
import type { HttpResponse } from "#src/providers/transport/transport.ts";
import { checkVectors } from "#src/providers/vectors/check-vectors.ts";
import { FloatSyntaxError } from "#src/providers/vectors/decode-floats.ts";
import { decodeVectorBody, type VectorBody } from "#src/providers/vectors/decode-vector-body.ts";
import { classifyBaseResp, classifyMinimaxResponse, REQUEST_ID_HEADERS } from "./classify-error.ts";
import { MINIMAX_NAME } from "./profile.ts";

/** The JSON body of `POST /embeddings`. The default purpose is `db`. */
export function encodeMinimaxEmbedding(model: string, request: EmbeddingRequest): string {
  return JSON.stringify({ model, texts: request.inputs, type: request.purpose ?? "db" });
}

interface ExpectedVectors {
  readonly count: number;
  /** The dimensions of the model, where known. */
  readonly dimensions?: number;
}

/**
 * Decodes a response into vectors, or throws its ProviderError. Only `count` finite, non-zero vectors of one dimension
 * count as a success. `now` (epoch ms) is needed for Retry-After dates.
 */
export function decodeMinimaxEmbedding(
  response: HttpResponse,
  expected: ExpectedVectors,
  now: number,
): EmbeddingResponse {
  if (response.status !== 200) throw classifyMinimaxResponse(response, now);
  const body = decodeBody(response, expected, now);
  const failure = classifyBaseResp(body.rest.get("base_resp"), response, now);
  if (failure) throw failure;
  const requestId = findRequestId(response.headers, REQUEST_ID_HEADERS);
  const details = { provider: MINIMAX_NAME, status: 200, requestId };
  if (!body.matrix)
    throw new ProviderError("the response reports success but contains no vectors", {
      ...details,
      kind: "bad-response",
    });
  checkVectors(body.matrix, expected, details);
  return {
    vectors: body.matrix.values,
    dimensions: body.matrix.columns,
    usage: readUsage(body.rest.get("total_tokens")),
    requestId,
  };
}

function decodeBody(response: HttpResponse, expected: ExpectedVectors, now: number): VectorBody {
  try {
    return decodeVectorBody(response.body, "vectors", expected.count * (expected.dimensions ?? 0));
  } catch (error) {
    if (!(error instanceof FloatSyntaxError)) throw error;
    throw classifyMinimaxResponse(response, now, error);
  }
}

function readUsage(totalTokens: unknown): Usage {
  return typeof totalTokens === "number" && Number.isFinite(totalTokens) && totalTokens >= 0 ? { totalTokens } : {};
}
