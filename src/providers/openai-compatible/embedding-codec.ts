import { ProviderError } from "#src/core/errors.ts";
import { checkVectors } from "#src/providers/check-vectors.ts";
import { decodeEmbeddingList, type EmbeddingList } from "#src/providers/decode-embedding-list.ts";
import { FloatSyntaxError } from "#src/providers/decode-floats.ts";
import { isObject, type JsonObject, readText } from "#src/providers/json-value.ts";
import type { EmbeddingRequest, EmbeddingResponse, ModelData } from "#src/providers/provider.ts";
import type { HttpResponse, ResponseHead } from "#src/providers/transport/transport.ts";
import { findRequestId, reportsError } from "./chat-dialect.ts";
import { readUsage } from "./chat-parts.ts";

/** What one vendor of the common embedding protocol does in its own way. */
export interface EmbeddingDialect {
  readonly provider: string;
  readonly maxInputs: number;
  /** `unsaid`: the vendor does not know the field. */
  readonly encoding: "base64" | "float" | "omitted";
  classifyBody(body: JsonObject, head: ResponseHead, now: number): ProviderError;
  classifyResponse(response: HttpResponse, now: number): ProviderError;
}

/**
 * The JSON body of `POST /embeddings`. Throws `invalid-request` for a number of inputs or dimensions that the model is
 * known to refuse.
 */
export function encodeEmbeddingRequest(model: ModelData, request: EmbeddingRequest, dialect: EmbeddingDialect): string {
  const { inputs, dimensions } = request;
  const { provider, maxInputs, encoding } = dialect;
  const invalidRequestError = (message: string, isSplittable = false) =>
    new ProviderError(message, { kind: "invalid-request", provider, isSplittable });
  if (inputs.length === 0 || inputs.length > maxInputs)
    throw invalidRequestError(
      `an embedding call takes 1 to ${maxInputs} inputs, not ${inputs.length}`,
      inputs.length > maxInputs,
    );
  const problem = dimensions === undefined ? undefined : findDimensionProblem(model, dimensions);
  if (problem !== undefined) throw invalidRequestError(problem);
  return JSON.stringify({
    model: model.name,
    input: inputs,
    ...(encoding !== "omitted" && { encoding_format: encoding }),
    ...(dimensions !== undefined && dimensions !== fixedDimensions(model) && { dimensions }),
  });
}

/** Asking a model without a choice for what it has anyway is no error, but the field is. */
function fixedDimensions(model: ModelData): number | undefined {
  return model.dimensionChoices === undefined ? model.dimensions : undefined;
}

function findDimensionProblem(model: ModelData, requested: number): string | undefined {
  const { name, dimensions, dimensionChoices } = model;
  if (!Number.isInteger(requested) || requested < 1) return "dimensions must be a positive integer";
  if (dimensions === undefined) return undefined;
  if (dimensionChoices === "up-to")
    return requested > dimensions ? `${name} has at most ${dimensions} dimensions, not ${requested}` : undefined;
  if (dimensionChoices === undefined)
    return requested === dimensions ? undefined : `${name} has ${dimensions} dimensions, not ${requested}`;
  return dimensionChoices.includes(requested)
    ? undefined
    : `${name} has ${dimensionChoices.join(", ")} dimensions to choose from, not ${requested}`;
}

/**
 * Turns an HTTP answer into vectors in the order of the inputs, or throws the ProviderError it stands for. `now` dates
 * Retry-After.
 */
export function decodeEmbeddingResponse(
  response: HttpResponse,
  expected: { readonly count: number; readonly dimensions?: number },
  now: number,
  dialect: EmbeddingDialect,
): EmbeddingResponse {
  if (response.status !== 200) throw dialect.classifyResponse(response, now);
  const { matrix, rest } = decodeBody(response, expected, now, dialect);
  const body: JsonObject = Object.fromEntries(rest);
  if (reportsError(body)) throw dialect.classifyBody(body, response, now);
  if (!matrix) throw dialect.classifyResponse(response, now);
  const requestId = findRequestId(response.headers) ?? readText(body, "request_id");
  const details = {
    provider: dialect.provider,
    status: 200,
    ...(requestId !== undefined && { requestId }),
  };
  checkVectors(matrix, expected, details);
  const usage = isObject(body.usage) ? readUsage(body.usage) : undefined;
  return {
    vectors: matrix.values,
    dimensions: matrix.columns,
    usage: usage ?? {},
    ...(requestId !== undefined && { requestId }),
  };
}

function decodeBody(
  response: HttpResponse,
  expected: { readonly count: number; readonly dimensions?: number },
  now: number,
  dialect: EmbeddingDialect,
): EmbeddingList {
  try {
    return decodeEmbeddingList(response.body, expected.count * (expected.dimensions ?? 0));
  } catch (error) {
    if (!(error instanceof FloatSyntaxError)) throw error;
    const answer = dialect.classifyResponse(response, now);
    if (answer.kind !== "bad-response") throw answer;
    throw new ProviderError(`the answer's embeddings cannot be read: ${error.message}`, {
      kind: "bad-response",
      provider: dialect.provider,
      status: response.status,
      cause: error,
    });
  }
}
