import { countTokens } from "#src/simulator/answers/count-tokens.ts";
import type { SimulatedVectorStore } from "#src/simulator/answers/vector-store.ts";
import {
  type AcceptedCall,
  corruptVectors,
  type Endpoint,
  joinArray,
  parseBody,
  type ReceivedCall,
  type SimulatedResponse,
} from "#src/simulator/server/endpoint.ts";
import { findAccessProblem, readModel } from "./check-access.ts";
import { createGeminiErrorResponse, createGeminiThrottleResponse } from "./error-response.ts";
import { batchEmbedSchema, describeSchemaProblem, embedSchema } from "./request-schema.ts";

const DIMENSIONS = 3072;
const MAX_TOKENS = 2048;

/** `embedContent` and `batchEmbedContents`. Shorter vectors are the beginnings of the full ones, and not normalized. */
export function createGeminiEmbeddingEndpoint(
  apiKey: string,
  method: "embedContent" | "batchEmbedContents",
  vectors: SimulatedVectorStore,
): Endpoint {
  return {
    path: `/gemini/*:${method}`,
    limitKey: ({ model }) => `gemini/${model}`,
    check: (call) => checkCall(call, apiKey, method),
    throttle: createGeminiThrottleResponse,
    fail: (code, message) => createGeminiErrorResponse(code, message ?? "simulated failure"),
    succeed: ({ texts, dimensions = DIMENSIONS }, mode, defect) => {
      const printed = vectors.print(texts, mode, DIMENSIONS).map((vector) => shorten(vector, dimensions));
      const values = corruptVectors(printed, defect).map((vector) => Buffer.concat([OPEN, vector, CLOSE]));
      const body = method === "embedContent" ? values.slice(0, 1) : joinArray(values);
      const name = method === "embedContent" ? "embedding" : "embeddings";
      return {
        status: 200,
        headers: { "content-type": "application/json; charset=UTF-8" },
        body: [Buffer.from(`{"${name}":`), ...body, CLOSE],
      };
    },
  };
}

const OPEN = Buffer.from('{"values":');
const CLOSE = Buffer.from("}");

function shorten(vector: Buffer, dimensions: number): Buffer {
  if (dimensions === DIMENSIONS) return vector;
  return Buffer.from(`[${vector.toString("latin1").slice(1, -1).split(",").slice(0, dimensions)}]`);
}

function checkCall(
  call: ReceivedCall,
  apiKey: string,
  method: string,
): { accepted: AcceptedCall } | { refusal: SimulatedResponse } {
  const model = readModel(call.path);
  const refusal = findAccessProblem(call, apiKey, model);
  if (refusal) return { refusal };
  const body = parseBody(call.body);
  const parsed = method === "embedContent" ? embedSchema.safeParse(body) : batchEmbedSchema.safeParse(body);
  if (!parsed.data) return { refusal: createGeminiErrorResponse(400, describeSchemaProblem(parsed.error)) };
  const requests = "requests" in parsed.data ? parsed.data.requests : [parsed.data];
  if (requests.some((request) => request.model !== undefined && request.model !== `models/${model}`))
    return { refusal: createGeminiErrorResponse(400, "the model of a request differs from that of the URL") };
  const texts = requests.map(({ content }) => content.parts.map(({ text }) => text).join(""));
  const counts = texts.map(countTokens);
  const tokens = counts.reduce((sum, count) => sum + count, 0);
  if (Math.max(...counts) > MAX_TOKENS)
    return {
      refusal: createGeminiErrorResponse(
        400,
        `The input token count (${Math.max(...counts)}) exceeds the maximum number of tokens allowed (${MAX_TOKENS}).`,
      ),
    };
  const [first] = requests;
  return { accepted: { texts, tokens, model, encoding: "float", dimensions: first?.outputDimensionality } };
}
