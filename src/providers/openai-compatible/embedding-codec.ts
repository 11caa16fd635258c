import { ProviderError } from "../../core/errors.ts";
import { checkVectors } from "../check-vectors.ts";
import { decodeEmbeddingList, type EmbeddingList } from "../decode-embedding-list.ts";
import { FloatSyntaxError } from "../decode-floats.ts";
import { isObject, type JsonObject, readText } from "../json-value.ts";
import type { EmbeddingRequest, EmbeddingResponse, ModelData } from "../provider.ts";
import type { HttpResponse } from "../transport/transport.ts";
import { type AnswerHead, findRequestId, reportsError } from "./chat-dialect.ts";
import { readUsage } from "./chat-parts.ts";

/** What one vendor of the common embedding protocol does in its own way. */
export interface EmbeddingDialect {
  readonly provider: string;
  readonly maxInputs: number;
  /** `unsaid`: the vendor does not know the field. */
  readonly encoding: "base64" | "float" | "unsaid";
  classifyBody(body: JsonObject, head: AnswerHead, now: number): ProviderError;
  classifyAnswer(response: HttpResponse, now: number): ProviderError;
}

/**
 * The JSON body of `POST /embeddings`. Throws `invalid-request` for a number of inputs or dimensions that the model is
 * known to refuse.
 */
export function encodeEmbeddingRequest(
  model: ModelData,
  request: EmbeddingRequest,
  dialect: EmbeddingDialect,
): string {
  const { inputs, dimensions } = request;
  const { provider, maxInputs, encoding } = dialect;
  const refuse = (message: string, splittable = false) =>
    new ProviderError(message, { kind: "invalid-request", provider, splittable });
  if (inputs.length === 0 || inputs.length > maxInputs)
    throw refuse(
      `an embedding call takes 1 to ${maxInputs} inputs, not ${inputs.length}`,
      inputs.length > maxInputs,
    );
  const problem = dimensions === undefined ? undefined : findDimensionProblem(model, dimensions);
  if (problem !== undefined) throw refuse(problem);
  return JSON.stringify({
    model: model.name,
    input: inputs,
    ...(encoding !== "unsaid" && { encoding_format: encoding }),
    ...(dimensions !== undefined && dimensions !== fixedDimensions(model) && { dimensions }),
  });
}

/** Asking a model without a choice for what it has anyway is no error, but the field is. */
function fixedDimensions(model: ModelData): number | undefined {
  return model.dimensionChoices === undefined ? model.dimensions : undefined;
}

function findDimensionProblem(model: ModelData, wanted: number): string | undefined {
  const { name, dimensions, dimensionChoices } = model;
  if (!Number.isInteger(wanted) || wanted < 1) return "dimensions must be a positive integer";
  if (dimensions === undefined) return undefined;
  if (dimensionChoices === "up-to")
    return wanted > dimensions ? `${name} has at most ${dimensions} dimensions, not ${wanted}` : undefined;
  if (dimensionChoices === undefined)
    return wanted === dimensions ? undefined : `${name} has ${dimensions} dimensions, not ${wanted}`;
  return dimensionChoices.includes(wanted)
    ? undefined
    : `${name} has ${dimensionChoices.join(", ")} dimensions to choose from, not ${wanted}`;
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
  if (response.status !== 200) throw dialect.classifyAnswer(response, now);
  const { matrix, rest } = decodeBody(response, expected, now, dialect);
  const body: JsonObject = Object.fromEntries(rest);
  if (reportsError(body)) throw dialect.classifyBody(body, response, now);
  if (!matrix) throw dialect.classifyAnswer(response, now);
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
    const answer = dialect.classifyAnswer(response, now);
    if (answer.kind !== "bad-response") throw answer;
    throw new ProviderError(`the answer's embeddings cannot be read: ${error.message}`, {
      kind: "bad-response",
      provider: dialect.provider,
      status: response.status,
      cause: error,
    });
  }
}
