import { ProviderError } from "#src/core/failures/errors.ts";
import { invalidRequestError } from "#src/providers/invalid-request-error.ts";
import { type JsonObject, readText } from "#src/providers/json-value.ts";
import type { EmbeddingRequest, EmbeddingResponse, ModelData } from "#src/providers/provider.ts";
import type { HttpResponse, ResponseHead } from "#src/providers/transport/transport.ts";
import { checkVectors } from "#src/providers/vectors/check-vectors.ts";
import { decodeEmbeddingList, type EmbeddingList } from "#src/providers/vectors/decode-embedding-list.ts";
import { FloatSyntaxError } from "#src/providers/vectors/decode-floats.ts";
import { findIntegerType } from "#src/providers/vectors/value-type.ts";
import { findRequestId, reportsError } from "./chat/chat-dialect.ts";
import { readUsage } from "./chat/chat-parts.ts";

/** The vendor-specific parts of the OpenAI embedding protocol. */
export interface EmbeddingDialect {
  readonly provider: string;
  readonly maxInputs: number;
  /** `omitted`: the vendor does not know `encoding_format`. */
  readonly encoding: "base64" | "float" | "omitted";
  classifyBody(body: JsonObject, head: ResponseHead, now: number): ProviderError;
  classifyResponse(response: HttpResponse, now: number): ProviderError;
}

interface ExpectedVectors {
  readonly count: number;
  /** Numbers of a vector, where they are known. */
  readonly dimensions?: number;
  readonly integerType?: string | undefined;
}

/**
 * The JSON body of `POST /embeddings`. Throws `invalid-request` for a number of inputs or dimensions that the model is
 * known to reject.
 */
export function encodeOpenaiEmbedding(model: ModelData, request: EmbeddingRequest, dialect: EmbeddingDialect): string {
  const { inputs, dimensions, options, tokenIds } = request;
  const { provider, maxInputs, encoding } = dialect;
  assertEmbeddingRequest(model, request, provider, maxInputs);
  return JSON.stringify({
    ...options,
    model: model.name,
    input: tokenIds ? inputs.map((text) => JSON.parse(text)) : inputs,
    encoding_format: chooseEncoding(encoding, options),
    // A model with fixed dimensions rejects the field, even with the dimensions that it has.
    dimensions: dimensions === findFixedDimensions(model) ? undefined : dimensions,
  });
}

/** Integers are requested as numbers: in base64 they would be bytes, and not float32 as all other vectors. */
function chooseEncoding(encoding: EmbeddingDialect["encoding"], options: EmbeddingRequest["options"]) {
  if (encoding === "omitted") return undefined;
  return findIntegerType(options) === undefined ? encoding : "float";
}

/** Throws `invalid-request` for a number of inputs or dimensions that the model is known to reject. */
export function assertEmbeddingRequest(
  model: ModelData,
  { inputs, dimensions }: EmbeddingRequest,
  provider: string,
  maxInputs: number,
): void {
  if (inputs.length === 0 || inputs.length > maxInputs) {
    const message = `an embedding call takes 1 to ${maxInputs} inputs, not ${inputs.length}`;
    throw invalidRequestError(provider, message, inputs.length > maxInputs);
  }
  const problem = dimensions === undefined ? undefined : findDimensionProblem(model, dimensions);
  if (problem !== undefined) throw invalidRequestError(provider, problem);
}

function findFixedDimensions(model: ModelData): number | undefined {
  return model.dimensionChoices === undefined ? model.dimensions : undefined;
}

/** Why the model cannot have so many dimensions; undefined if it can, or if nothing is known about it. Pure. */
export function findDimensionProblem(model: ModelData, requested: number): string | undefined {
  const { name, dimensions, dimensionChoices } = model;
  if (!Number.isInteger(requested) || requested < 1) return "dimensions must be a positive integer";
  if (dimensions === undefined) return undefined;
  if (dimensionChoices === "up-to")
    return requested > dimensions ? `${name} has at most ${dimensions} dimensions, not ${requested}` : undefined;
  if (dimensionChoices === undefined)
    return requested === dimensions ? undefined : `${name} has ${dimensions} dimensions, not ${requested}`;
  return dimensionChoices.includes(requested)
    ? undefined
    : `${name} supports ${dimensionChoices.join(", ")} dimensions, not ${requested}`;
}

/**
 * Decodes a response into vectors in the order of the inputs, or throws its ProviderError. `now` (epoch ms) is needed for
 * Retry-After dates.
 */
export function decodeOpenaiEmbedding(
  response: HttpResponse,
  expected: ExpectedVectors,
  now: number,
  dialect: EmbeddingDialect,
): EmbeddingResponse {
  if (response.status !== 200) throw dialect.classifyResponse(response, now);
  const { matrix, rest } = decodeBody(response, expected, now, dialect);
  const body: JsonObject = Object.fromEntries(rest);
  if (reportsError(body)) throw dialect.classifyBody(body, response, now);
  if (!matrix) throw dialect.classifyResponse(response, now);
  const requestId = findRequestId(response.headers) ?? readText(body, "request_id");
  const details = { provider: dialect.provider, status: 200, requestId };
  checkVectors(matrix, expected, details);
  if (expected.integerType !== undefined && !matrix.values.every(Number.isInteger)) {
    const message = `the vectors of the response do not contain ${expected.integerType} values`;
    throw new ProviderError(message, { ...details, kind: "bad-response" });
  }
  return {
    vectors: matrix.values,
    dimensions: matrix.columns,
    usage: readUsage(body.usage) ?? {},
    requestId,
  };
}

function decodeBody(
  response: HttpResponse,
  expected: ExpectedVectors,
  now: number,
  dialect: EmbeddingDialect,
): EmbeddingList {
  try {
    return decodeEmbeddingList(response.body, expected.count * (expected.dimensions ?? 0));
  } catch (error) {
    if (!(error instanceof FloatSyntaxError)) throw error;
    const failure = dialect.classifyResponse(response, now);
    if (failure.kind !== "bad-response") throw failure;
    throw new ProviderError(`the embeddings of the response cannot be read: ${error.message}`, {
      kind: "bad-response",
      provider: dialect.provider,
      status: response.status,
      cause: error,
    });
  }
}
