import { countTokens } from "#src/simulator/answers/count-tokens.ts";
import { DIMENSIONS } from "#src/simulator/answers/embed-text.ts";
import type { SimulatedVectorStore, VectorMode } from "#src/simulator/answers/vector-store.ts";
import {
  type AcceptedCall,
  corruptVectors,
  type Endpoint,
  jsonResponse,
  parseBody,
  type ReceivedCall,
  type SimulatedResponse,
  textsOfModel,
} from "#src/simulator/server/endpoint.ts";
import type { VectorDefect } from "#src/simulator/server/faults.ts";

const MAX_INPUTS = 2048;
/** Models with known dimensions; `isConfigurable` if calls may set `dimensions`. */
const MODEL_DIMENSIONS: Readonly<
  Record<string, { readonly defaultDimensions: number; readonly isConfigurable?: boolean }>
> = {
  "text-embedding-3-small": { defaultDimensions: 1536, isConfigurable: true },
  "text-embedding-3-large": { defaultDimensions: 3072, isConfigurable: true },
  "text-embedding-v3": { defaultDimensions: 1024, isConfigurable: true },
  "text-embedding-v4": { defaultDimensions: 1024, isConfigurable: true },
  "BAAI/bge-m3": { defaultDimensions: 1024 },
  "BAAI/bge-large-zh-v1.5": { defaultDimensions: 1024 },
  "bge-m3": { defaultDimensions: 1024 },
  "nomic-embed-text": { defaultDimensions: 768 },
};
const MAX_DIMENSIONS = 3072;

/** The OpenAI-compatible embedding endpoint. */
export function createOpenaiEndpoint(apiKey: string, vectors: SimulatedVectorStore): Endpoint {
  return {
    path: "/openai/v1/embeddings",
    check: (call) => checkCall(call, apiKey),
    throttle: (limit) =>
      errorResponse(429, "rate_limit_error", `rate limit reached for ${limit}`, "rate_limit_exceeded"),
    fail: (code, message) => errorResponse(500, "server_error", message ?? `simulated failure ${code}`, String(code)),
    succeed: (call, mode, defect) => succeed(vectors, call, mode, defect),
  };
}

function checkCall(call: ReceivedCall, apiKey: string): { accepted: AcceptedCall } | { refusal: SimulatedResponse } {
  if (call.headers.authorization !== `Bearer ${apiKey}`)
    return { refusal: errorResponse(401, "invalid_request_error", "incorrect API key", "invalid_api_key") };
  const body = parseBody(call.body);
  const ids = readTokenIds(body?.input);
  const texts = ids?.map((list) => list.join(" ")) ?? (typeof body?.input === "string" ? [body.input] : body?.input);
  const problem = findFieldProblem(body, texts);
  if (!body || problem !== undefined || !isTexts(texts))
    return { refusal: errorResponse(400, "invalid_request_error", problem ?? "invalid body", null) };
  return {
    accepted: {
      texts,
      tokens: ids?.flat().length ?? texts.reduce((sum, text) => sum + countTokens(text), 0),
      model: String(body.model),
      encoding: body.encoding_format === "base64" ? "base64" : "float",
      dimensions: typeof body.dimensions === "number" ? body.dimensions : getDefaultDimensions(body.model),
    },
  };
}

function findFieldProblem(body: Record<string, unknown> | undefined, texts: unknown): string | undefined {
  if (!body) return "the body is not a JSON object";
  if (typeof body.model !== "string" || body.model === "") return "model must be a string";
  if (!isTexts(texts)) return "input must be a non-empty string or an array of them";
  if (texts.length === 0 || texts.length > MAX_INPUTS) return `input must have 1 to ${MAX_INPUTS} texts`;
  if (!["float", "base64", undefined].includes(body.encoding_format as string | undefined))
    return "encoding_format must be float or base64";
  return findDimensionsProblem(body);
}

function findDimensionsProblem({ dimensions, model }: Record<string, unknown>): string | undefined {
  if (dimensions === undefined) return undefined;
  if (typeof model === "string" && MODEL_DIMENSIONS[model] !== undefined && !MODEL_DIMENSIONS[model].isConfigurable)
    return "this model does not support specifying dimensions";
  const fits = typeof dimensions === "number" && Number.isInteger(dimensions);
  return fits && dimensions >= 1 && dimensions <= MAX_DIMENSIONS
    ? undefined
    : `dimensions must be an integer of 1 to ${MAX_DIMENSIONS}`;
}

function getDefaultDimensions(model: unknown): number {
  return MODEL_DIMENSIONS[String(model)]?.defaultDimensions ?? DIMENSIONS;
}

/** The lists of token ids, if the input has them instead of texts. */
function readTokenIds(input: unknown): readonly (readonly number[])[] | undefined {
  const lists = Array.isArray(input) && typeof input[0] === "number" ? [input] : input;
  const isList = (list: unknown): list is number[] =>
    Array.isArray(list) && list.length > 0 && list.every((id) => Number.isInteger(id) && id >= 0);
  return Array.isArray(lists) && lists.length > 0 && lists.every(isList) ? lists : undefined;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((text) => typeof text === "string" && text !== "");
}

function errorResponse(status: number, type: string, message: string, code: string | null): SimulatedResponse {
  return jsonResponse(status, { error: { message, type, param: null, code } });
}

function succeed(
  vectors: SimulatedVectorStore,
  call: AcceptedCall,
  mode: VectorMode,
  defect: VectorDefect | undefined,
): SimulatedResponse {
  const embeddings =
    call.encoding === "base64"
      ? vectors.encode(call.texts, mode, call.dimensions).map((text) => Buffer.from(JSON.stringify(text)))
      : corruptVectors(vectors.print(textsOfModel(call.texts, defect), mode, call.dimensions), defect);
  const usage = { prompt_tokens: call.tokens, total_tokens: call.tokens };
  const body: Buffer[] = [Buffer.from('{"object":"list","data":[')];
  for (const [index, embedding] of embeddings.entries()) {
    const separator = index > 0 ? "," : "";
    body.push(Buffer.from(`${separator}{"object":"embedding","index":${index},"embedding":`), embedding, CLOSE);
  }
  body.push(Buffer.from(`],"model":${JSON.stringify(call.model)},"usage":${JSON.stringify(usage)}}`));
  return { status: 200, headers: { "content-type": "application/json; charset=utf-8" }, body };
}

const CLOSE = Buffer.from("}");
