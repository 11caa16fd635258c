import type { ChatCodec } from "#src/providers/chat-codec.ts";
import { createHttpChatModel } from "#src/providers/http-chat-model.ts";
import { isObject, parseJson } from "#src/providers/json-value.ts";
import type {
  ChatRequest,
  ChatResponse,
  DescribeModel,
  EmbeddingModel,
  ModelData,
  Provider,
  ProviderAccount,
} from "#src/providers/provider.ts";
import type { ProviderEntry } from "#src/providers/provider-entry.ts";
import { TranslationReport } from "#src/providers/translation/translation-report.ts";
import type { HttpResponse, Transport } from "#src/providers/transport/transport.ts";
import { classifyGeminiResponse, reportsGeminiError } from "./classify-error.ts";
import { decodeGeminiResponse } from "./decode-response.ts";
import { decodeGeminiEmbedding, encodeGeminiEmbedding } from "./embedding-codec.ts";
import { encodeGeminiRequest } from "./encode-request.ts";
import {
  GEMINI_BASE_URL,
  GEMINI_EMBEDDING_DEFAULTS,
  GEMINI_MAX_INPUTS,
  GEMINI_MODELS,
  GEMINI_NAME,
} from "./profile.ts";
import {
  addFrame,
  createResponseReducer,
  EMPTY_RESPONSE,
  joinResponse,
  type ResponseState,
} from "./response-reducer.ts";

export const GEMINI_ENTRY: ProviderEntry = {
  name: GEMINI_NAME,
  defaultBaseUrl: GEMINI_BASE_URL,
  catalogue: "google",
  models: GEMINI_MODELS,
  defaults: { embedding: GEMINI_EMBEDDING_DEFAULTS },
  create: createGeminiProvider,
};

/** The adapter of the Gemini API for one account. `close` closes the transport, which accounts may share. */
function createGeminiProvider(account: ProviderAccount, transport: Transport, describe: DescribeModel): Provider {
  const base = account.baseUrl.replace(/\/+$/, "").replace(/\/v1(beta)?$/, "");
  const createUrl = (model: string, method: string) =>
    new URL(`${base}/v1beta/models/${encodeURIComponent(model)}:${method}`);
  const headers = { "x-goog-api-key": account.apiKey };
  return {
    name: GEMINI_NAME,
    chat: (name) =>
      createHttpChatModel({
        provider: GEMINI_NAME,
        transport,
        url: createUrl(name, "generateContent"),
        streamUrl: createUrl(name, "streamGenerateContent?alt=sse"),
        headers: () => headers,
        codec: createGeminiCodec(describe(name, "chat")),
      }),
    embedding: (name) =>
      createGeminiEmbedding(describe(name, "embedding"), async (method, body, call) => {
        const allHeaders = { ...headers, "content-type": "application/json" };
        const url = createUrl(name, method);
        return await transport.post({ provider: GEMINI_NAME, url, headers: allHeaders, body }, call);
      }),
    close: () => transport.close(),
  };
}

type Model = Pick<ModelData, "name" | "maxOutputTokens">;

/** Exported for tests that encode and decode without a transport. */
export function createGeminiCodec(model: Model): ChatCodec<ResponseState> {
  return {
    encode: (request) => {
      const { body, report } = translate(model, request);
      report.assertAccepted();
      return JSON.stringify(body);
    },
    check: (request) => {
      const { rejected, adjusted } = translate(model, request).report;
      return { rejected, adjusted };
    },
    decode,
    classify: (response, now) => classifyGeminiResponse(response, now, "an answer"),
    reducer: createResponseReducer,
  };
}

function translate(model: Model, request: ChatRequest) {
  const report = new TranslationReport(GEMINI_NAME);
  return { body: encodeGeminiRequest(model, request, report), report };
}

/** A complete response, or the list of frames that a gateway sends instead of a stream. */
function decode(response: HttpResponse, now: number): ChatResponse {
  const parsed = response.status === 200 ? parseJson(response.body.toString("utf8")) : undefined;
  const frames = (Array.isArray(parsed) ? parsed : [parsed]).filter(isObject);
  if (frames.length === 0 || frames.some(reportsGeminiError)) throw classifyGeminiResponse(response, now, "an answer");
  return decodeGeminiResponse(joinResponse(frames.reduce(addFrame, EMPTY_RESPONSE)), response, now);
}

type PostEmbedding = (
  method: string,
  body: string,
  call: Parameters<EmbeddingModel["embed"]>[1],
) => Promise<HttpResponse>;

function createGeminiEmbedding(data: ModelData, post: PostEmbedding): EmbeddingModel {
  return {
    maxInputs: data.maxInputs ?? GEMINI_MAX_INPUTS,
    maxTokens: data.maxTokens,
    async embed(request, call) {
      const { method, body } = encodeGeminiEmbedding(data, request);
      const { dimensions = data.dimensions } = request;
      const expected = { count: request.inputs.length, dimensions, isShortened: dimensions !== data.dimensions };
      return decodeGeminiEmbedding(await post(method, body, call), expected, Date.now());
    },
  };
}
