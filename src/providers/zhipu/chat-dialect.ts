import { ProviderError } from "#src/core/failures/errors.ts";
import { assertInRange } from "#src/providers/check-range.ts";
import { type JsonObject, readText } from "#src/providers/json-value.ts";
import type { ChatDialect } from "#src/providers/openai-compatible/chat/chat-dialect.ts";
import { encodeChatBody } from "#src/providers/openai-compatible/chat/chat-request.ts";
import type { ChatMessage, ChatRequest } from "#src/providers/provider.ts";
import type { ResponseHead } from "#src/providers/transport/transport.ts";
import { classifyZhipuBody, classifyZhipuResponse } from "./classify-error.ts";
import { ZHIPU_NAME } from "./profile.ts";

/**
 * Zhipu's dialect of the common chat protocol. `requestId` must be new for every call; an answer that contains another
 * request id is rejected.
 */
export function createZhipuChatDialect(model: string, requestId?: string, maxOutputTokens?: number): ChatDialect {
  return {
    provider: ZHIPU_NAME,
    encode: (request, stream) => ({
      request_id: requestId,
      ...encodeZhipuChat(model, request, stream, maxOutputTokens),
    }),
    listAdjustments: (request) => listAdjustments(model, request),
    checkRequestId: (body, head) => checkRequestId(body, head, requestId),
    classifyBody: classifyZhipuBody,
    classifyResponse: classifyZhipuResponse,
    failures: {
      sensitive: { kind: "content-filter", message: "the output was withdrawn by the content filter" },
      network_error: { kind: "server", message: "the generation failed" },
    },
    // Usage arrives with the finish reason, but a stream that ends before [DONE] is still incomplete.
    terminal: "both",
  };
}

function checkRequestId(body: JsonObject, { status }: ResponseHead, requestId: string | undefined): void {
  const received = readText(body, "request_id");
  if (requestId === undefined || received === undefined || received === requestId) return;
  throw new ProviderError("the response belongs to another request: its request_id is not the one sent", {
    kind: "bad-response",
    provider: ZHIPU_NAME,
    status,
    requestId,
  });
}

const MIN_PROBABILITY = 0.01;
const MIN_USER_LENGTH = 6;
const MAX_USER_LENGTH = 128;

function encodeZhipuChat(model: string, request: ChatRequest, stream: boolean, max?: number): Record<string, unknown> {
  const body = encodeChatBody(model, { ...request, messages: request.messages.map(flattenContent) }, stream, {
    provider: ZHIPU_NAME,
    maxTokensField: "max_tokens",
    includeUsage: false,
    encodeReasoning: (reasoning) => ({ reasoning_content: reasoning }),
  });
  assertInRange(ZHIPU_NAME, `max_tokens of ${model}`, body.max_tokens, { min: 1, max, integer: true });
  const { temperature, top_p: topP, stop, user, ...others } = body;
  return {
    ...others,
    ...encodeTemperature(model, temperature),
    top_p: typeof topP === "number" ? clampProbability(model, topP) : undefined,
    stop: stop === undefined || Array.isArray(stop) ? stop : [stop],
    user_id: isValidUser(user) ? user : undefined,
  };
}

/** Temperature 0 (greedy decoding) is `do_sample: false` for Zhipu. */
function encodeTemperature(model: string, temperature: unknown): Record<string, unknown> {
  if (typeof temperature !== "number") return {};
  return temperature <= 0 ? { do_sample: false } : { temperature: clampProbability(model, temperature) };
}

function clampProbability(model: string, value: number): number {
  return Math.min(findMaxProbability(model), Math.max(MIN_PROBABILITY, value));
}

/** Models before GLM-4.5 reject 1. */
function findMaxProbability(model: string): number {
  const [, major = "0", minor = "0"] = /^glm-(\d+)(?:\.(\d+))?/.exec(model) ?? [];
  return Number(major) > 4 || (Number(major) === 4 && Number(minor) >= 5) ? 1 : 0.99;
}

/** See `RequestCheck.adjusted`. Temperature 0 is not adjusted: `do_sample: false` has the same effect. */
function listAdjustments(model: string, { temperature, topP, user }: ChatRequest): string[] {
  const bounds = `between ${MIN_PROBABILITY} and ${findMaxProbability(model)}`;
  const isClamped = (value: number | undefined) => value !== undefined && clampProbability(model, value) !== value;
  const adjusted: string[] = [];
  if (isClamped(temperature) && temperature !== 0)
    adjusted.push(`${ZHIPU_NAME}/${model} accepts a temperature ${bounds}; other values are sent as the nearest bound`);
  if (isClamped(topP))
    adjusted.push(`${ZHIPU_NAME}/${model} accepts a top_p ${bounds}; other values are sent as the nearest bound`);
  if (user !== undefined && !isValidUser(user))
    adjusted.push(
      `${ZHIPU_NAME}/${model} accepts a user of ${MIN_USER_LENGTH} to ${MAX_USER_LENGTH} characters; others are not sent`,
    );
  return adjusted;
}

/** Zhipu rejects ids of other lengths; such an id is left out rather than failing the call. */
function isValidUser(user: unknown): boolean {
  return typeof user === "string" && user.length >= MIN_USER_LENGTH && user.length <= MAX_USER_LENGTH;
}

/** Zhipu silently drops lists of parts from messages of these roles. Lists with parts other than text stay unchanged. */
function flattenContent(message: ChatMessage): ChatMessage {
  const { role, content } = message;
  if ((role !== "assistant" && role !== "tool") || content === null || typeof content === "string") return message;
  if (!content.every((part) => typeof part.text === "string")) return message;
  return { ...message, content: content.map((part) => String(part.text)).join("") };
}
