import { countTokens } from "#src/simulator/answers/count-tokens.ts";
import type { SimulatedVectorStore, VectorMode } from "#src/simulator/answers/vector-store.ts";
import {
  type AcceptedCall,
  corruptVectors,
  type Endpoint,
  parseBody,
  type ReceivedCall,
  type SimulatedResponse,
  textsOfModel,
} from "#src/simulator/server/endpoint.ts";
import type { VectorDefect } from "#src/simulator/server/faults.ts";
import { findCredentialProblem } from "./credentials.ts";
import { errorResponse, throttle } from "./error-response.ts";

interface SimulatedEmbeddingModel {
  readonly dimensions: readonly number[];
  readonly defaultDimensions: number;
  readonly maxTokens: number;
  readonly maxTotal?: number;
}

const MODELS: ReadonlyMap<string, SimulatedEmbeddingModel> = new Map([
  ["embedding-2", { dimensions: [1024], defaultDimensions: 1024, maxTokens: 512, maxTotal: 8192 }],
  ["embedding-3", { dimensions: [256, 512, 1024, 2048], defaultDimensions: 2048, maxTokens: 3072 }],
]);
const MAX_INPUTS = 64;

/** Zhipu's embedding endpoint; limits are per model. */
export function createZhipuEmbeddingEndpoint(apiKey: string, vectors: SimulatedVectorStore): Endpoint {
  return {
    path: "/zhipu/api/paas/v4/embeddings",
    limitKey: ({ model }) => `zhipu/${model}`,
    check: (call) => checkCall(call, apiKey),
    throttle,
    fail: errorResponse,
    succeed: (call, mode, defect) => succeed(vectors, call, mode, defect),
  };
}

function checkCall(call: ReceivedCall, apiKey: string): { accepted: AcceptedCall } | { refusal: SimulatedResponse } {
  const code = findCredentialProblem(call.headers.authorization, apiKey, Date.now());
  if (code !== undefined) return { refusal: errorResponse(code) };
  const body = parseBody(call.body);
  if (!body) return { refusal: errorResponse(1210, "请求体不是JSON对象") };
  const model = MODELS.get(String(body.model));
  if (!model) return { refusal: errorResponse(1211) };
  const texts = typeof body.input === "string" ? [body.input] : body.input;
  if (texts === undefined) return { refusal: errorResponse(1213, "未正常接收到input参数") };
  if (!isTexts(texts) || texts.length === 0) return { refusal: errorResponse(1214, "input参数非法") };
  if (texts.length > MAX_INPUTS) return { refusal: errorResponse(1214, `input数组最大不得超过${MAX_INPUTS}条`) };
  const { dimensions = model.defaultDimensions } = body;
  if (typeof dimensions !== "number" || !model.dimensions.includes(dimensions))
    return { refusal: errorResponse(1210, "dimensions参数非法") };
  const counts = texts.map(countTokens);
  const tokens = counts.reduce((sum, count) => sum + count, 0);
  if (Math.max(...counts) > model.maxTokens || tokens > (model.maxTotal ?? Number.POSITIVE_INFINITY))
    return { refusal: errorResponse(1261) };
  return { accepted: { texts, tokens, model: String(body.model), encoding: "float", dimensions } };
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((text) => typeof text === "string" && text !== "");
}

function succeed(
  vectors: SimulatedVectorStore,
  call: AcceptedCall,
  mode: VectorMode,
  defect: VectorDefect | undefined,
): SimulatedResponse {
  const printed = corruptVectors(vectors.print(textsOfModel(call.texts, defect), mode, call.dimensions), defect);
  const usage = { prompt_tokens: call.tokens, completion_tokens: 0, total_tokens: call.tokens };
  const body: Buffer[] = [Buffer.from(`{"model":${JSON.stringify(call.model)},"data":[`)];
  for (const [index, vector] of printed.entries()) {
    const separator = index > 0 ? "," : "";
    body.push(Buffer.from(`${separator}{"embedding":`), vector, Buffer.from(`,"index":${index},"object":"embedding"}`));
  }
  body.push(Buffer.from(`],"object":"list","usage":${JSON.stringify(usage)}}`));
  return { status: 200, headers: { "content-type": "application/json; charset=UTF-8" }, body };
}
