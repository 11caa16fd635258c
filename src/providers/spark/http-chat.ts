import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { ChatCodec } from "#src/providers/chat-codec.ts";
import { createHttpChatModel } from "#src/providers/http-chat-model.ts";
import type { JsonObject } from "#src/providers/json-value.ts";
import { createChatCodec } from "#src/providers/openai-compatible/chat/chat-codec.ts";
import { encodeChatBody } from "#src/providers/openai-compatible/chat/chat-request.ts";
import type { StreamState } from "#src/providers/openai-compatible/chat/stream-state.ts";
import type { ChatModel, ChatRequest, ChatResponse } from "#src/providers/provider.ts";
import { readProviderText } from "#src/providers/response-body.ts";
import type { ResponseHead, Transport } from "#src/providers/transport/transport.ts";
import { classifySparkResponse, createSparkCodeError, readCode, readSid } from "./classify-error.ts";
import { checkRange, clampMaxTokens, listSparkAdjustments } from "./encode-request.ts";
import { SPARK_NAME, SPARK_RANGES, type SparkVersion } from "./profile.ts";

interface HttpAccount {
  readonly baseUrl: string;
  readonly password: string;
}

/** Chat over the HTTP interface. The password belongs to the version. */
export function createHttpChat(version: SparkVersion, account: HttpAccount, transport: Transport): ChatModel {
  return createHttpChatModel({
    provider: SPARK_NAME,
    transport,
    url: new URL(`${account.baseUrl.replace(/\/+$/, "")}/chat/completions`),
    headers: () => ({ authorization: `Bearer ${account.password}` }),
    codec: createHttpCodec(version),
  });
}

/**
 * Spark's dialect of the common chat protocol: the body and every stream frame contain a flat `code` next to the choices
 * (0 means success). There is no finish reason, so `[DONE]` alone ends a stream.
 */
function createHttpCodec(version: SparkVersion): ChatCodec<StreamState> {
  const codec = createChatCodec({
    provider: SPARK_NAME,
    encode: (request, stream) => encodeBody(version, request, stream),
    listAdjustments: (request) => listSparkAdjustments(version, request),
    classifyBody: (body, head, now) => classifySparkResponse(toHttpResponse(body, head), now),
    classifyResponse: (response, now) => classifySparkResponse(response, now),
    failures: {},
    terminal: "done",
  });
  return {
    ...codec,
    decode: (response, now) => finalizeResponse(codec.decode(response, now), response),
    reducer(head, now) {
      const { initial, reduce, finish } = codec.reducer(head, now);
      return {
        initial,
        reduce(state, event) {
          const step = reduce(state, event);
          const { extra } = step.state;
          checkCode({ code: extra.get("code"), sid: extra.get("sid"), message: extra.get("message") }, head);
          return step;
        },
        finish: (state) => finalizeResponse(finish(state), head),
      };
    },
  };
}

function encodeBody(version: SparkVersion, request: ChatRequest, stream: boolean): Record<string, unknown> {
  const { temperature, topP, extra } = request;
  const maxTokens = clampMaxTokens(version, request);
  checkRange("temperature", temperature, SPARK_RANGES.httpTemperature);
  checkRange("top_p", topP, SPARK_RANGES.httpTopP);
  checkRange("top_k", extra?.top_k, { ...SPARK_RANGES.topK, integer: true });
  const model = version.httpModel ?? version.domain;
  return encodeChatBody(model, omitUndefined({ ...request, maxTokens }), stream, {
    provider: SPARK_NAME,
    maxTokensField: "max_tokens",
    includeUsage: false,
  });
}

/** An error frame of a stream as a response of its own. */
function toHttpResponse(body: JsonObject, { status, headers }: ResponseHead) {
  return { status, headers, body: Buffer.from(JSON.stringify(body)) };
}

function checkCode(body: JsonObject, { status }: ResponseHead): void {
  const code = body.code === undefined ? 0 : readCode(body.code);
  if (code === 0) return;
  throw createSparkCodeError(code ?? -1, { ...readProviderText(body), status, requestId: readSid(body.sid) });
}

function finalizeResponse(response: ChatResponse, head: ResponseHead): ChatResponse {
  const { code, sid, body, ...extra } = response.extra ?? {};
  checkCode({ code, sid, message: extra.message }, head);
  const requestId = readSid(sid) ?? response.requestId;
  const { extra: _, finishReason, ...others } = response;
  // Spark sends no finish reason; a complete answer without one ended normally.
  const isUnknown = finishReason.raw === undefined && finishReason.unified === "other";
  const reason = isUnknown ? (others.toolCalls ? "tool-calls" : "stop") : undefined;
  return {
    ...others,
    finishReason: reason ? { unified: reason } : finishReason,
    requestId,
    extra: Object.keys(extra).length > 0 ? extra : undefined,
  };
}
