import { ProviderError } from "#src/core/failures/errors.ts";
import { type JsonObject, readCount, readField } from "#src/providers/json-value.ts";
import { assertEmbeddingRequest } from "#src/providers/openai-compatible/embedding-codec.ts";
import type { EmbeddingPurpose, EmbeddingRequest, EmbeddingResponse, ModelData } from "#src/providers/provider.ts";
import type { HttpResponse } from "#src/providers/transport/transport.ts";
import { checkVectors } from "#src/providers/vectors/check-vectors.ts";
import {
  decodeEmbeddingList,
  type EmbeddingList,
  type EmbeddingNames,
} from "#src/providers/vectors/decode-embedding-list.ts";
import { FloatSyntaxError } from "#src/providers/vectors/decode-floats.ts";
import { normalizeVectors } from "#src/providers/vectors/normalize-vectors.ts";
import {
  buildGeminiDetails,
  classifyGeminiBody,
  classifyGeminiResponse,
  reportsGeminiError,
} from "./classify-error.ts";
import { GEMINI_MAX_INPUTS, GEMINI_NAME } from "./profile.ts";

const TASK_TYPES: Readonly<Record<EmbeddingPurpose, string>> = { db: "RETRIEVAL_DOCUMENT", query: "RETRIEVAL_QUERY" };
const NAMES: EmbeddingNames = { lists: ["embeddings", "embedding"], vector: "values" };

/**
 * The method and body of a call: `embedContent` for one input, `batchEmbedContents` for several. Throws `invalid-request`
 * for a number of inputs or dimensions that the model is known to reject.
 */
export function encodeGeminiEmbedding(
  model: ModelData,
  request: EmbeddingRequest,
): { readonly method: string; readonly body: string } {
  assertEmbeddingRequest(model, request, GEMINI_NAME, model.maxInputs ?? GEMINI_MAX_INPUTS);
  const {
    inputs,
    purpose,
    dimensions,
    options: { task_type: task = purpose && TASK_TYPES[purpose], title } = {},
  } = request;
  // Later models take the task as an instruction in the text.
  const hasTasks = !model.name.startsWith("gemini-embedding-2");
  const requests = inputs.map((text) => ({
    model: `models/${model.name}`,
    content: { parts: [{ text }] },
    taskType: hasTasks ? task : undefined,
    title,
    outputDimensionality: dimensions,
  }));
  const [only, ...others] = requests;
  return others.length === 0
    ? { method: "embedContent", body: JSON.stringify(only) }
    : { method: "batchEmbedContents", body: JSON.stringify({ requests }) };
}

/**
 * Decodes a response into vectors in the order of the inputs, or throws its ProviderError. Vectors with fewer dimensions
 * than the model's own are not normalized by Gemini, so it is done here.
 */
export function decodeGeminiEmbedding(
  response: HttpResponse,
  expected: { readonly count: number; readonly dimensions?: number; readonly isShortened: boolean },
  now: number,
): EmbeddingResponse {
  if (response.status !== 200) throw classifyGeminiResponse(response, now, "vectors");
  const { matrix, rest } = decodeBody(response, expected.count * (expected.dimensions ?? 0), now);
  const body: JsonObject = Object.fromEntries(rest);
  if (reportsGeminiError(body)) throw classifyGeminiBody(body, response, now);
  if (!matrix) throw classifyGeminiResponse(response, now, "vectors");
  const details = buildGeminiDetails(response, now);
  checkVectors(matrix, expected, details);
  if (expected.isShortened) normalizeVectors(matrix.values, matrix.columns);
  const inputTokens = readCount(readField(body, "usageMetadata"), "promptTokenCount");
  return {
    vectors: matrix.values,
    dimensions: matrix.columns,
    usage: inputTokens === undefined ? {} : { inputTokens, totalTokens: inputTokens },
    requestId: details.requestId,
  };
}

function decodeBody(response: HttpResponse, sizeHint: number, now: number): EmbeddingList {
  try {
    return decodeEmbeddingList(response.body, sizeHint, NAMES);
  } catch (error) {
    if (!(error instanceof FloatSyntaxError)) throw error;
    const failure = classifyGeminiResponse(response, now, "vectors");
    if (failure.kind !== "bad-response") throw failure;
    throw new ProviderError(`the embeddings of the response cannot be read: ${error.message}`, {
      ...buildGeminiDetails(response, now),
      kind: "bad-response",
      cause: error,
    });
  }
}
