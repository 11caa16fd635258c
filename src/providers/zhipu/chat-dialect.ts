import { ProviderError } from "#src/core/errors.ts";
import { findRangeProblem } from "#src/providers/check-range.ts";
import { type JsonObject, readText } from "#src/providers/json-value.ts";
import type { ChatDialect } from "#src/providers/openai-compatible/chat-dialect.ts";
import { encodeChatBody } from "#src/providers/openai-compatible/chat-request.ts";
import type { ChatMessage, ChatRequest } from "#src/providers/provider.ts";
import type { ResponseHead } from "#src/providers/transport/transport.ts";
import { classifyZhipuBody, classifyZhipuResponse } from "./classify-error.ts";
import { ZHIPU_MODELS, ZHIPU_NAME } from "./profile.ts";

/**
 * Zhipu's form of the common chat protocol. With a request id, which must be new for every call, an answer that names
 * another one is refused.
 */
export function createZhipuChatDialect(model: string, requestId?: string): ChatDialect {
  return {
    provider: ZHIPU_NAME,
    encode: (request, stream) => ({
      ...(requestId !== undefined && { request_id: requestId }),
      ...encodeZhipuChat(model, request, stream),
    }),
    ...(requestId !== undefined && { checkRequestId: (body, head) => checkRequestId(body, head, requestId) }),
    classifyBody: classifyZhipuBody,
    classifyResponse: classifyZhipuResponse,
    failures: {
      sensitive: { kind: "content-filter", message: "the output was withdrawn by the content filter" },
      network_error: { kind: "server", message: "the inference failed half-way" },
    },
    // Usage comes with the finish reason, so the answer is complete with it; a cut before [DONE] is a cut still.
    terminal: "both",
  };
}

function checkRequestId(body: JsonObject, { status }: ResponseHead, requestId: string): void {
  const answered = readText(body, "request_id");
  if (answered === undefined || answered === requestId) return;
  throw new ProviderError("the answer is that of another request: its request_id is not the one sent", {
    kind: "bad-response",
    provider: ZHIPU_NAME,
    status,
    requestId,
  });
}

const MIN_PROBABILITY = 0.01;
const MAX_PROBABILITY = 0.99;
const MIN_USER = 6;
const MAX_USER = 128;

function encodeZhipuChat(model: string, request: ChatRequest, stream: boolean): Record<string, unknown> {
  const body = encodeChatBody(model, { ...request, messages: request.messages.map(flattenContent) }, stream, {
    provider: ZHIPU_NAME,
    maxTokensField: "max_tokens",
    includeUsage: false,
    encodeReasoning: (reasoning) => ({ reasoning_content: reasoning }),
  });
  checkMaxTokens(model, body.max_tokens);
  const { temperature, top_p: topP, stop, user, ...others } = body;
  return {
    ...others,
    ...clampTemperature(temperature),
    ...(typeof topP === "number" && { top_p: clampProbability(topP) }),
    ...(stop !== undefined && { stop: Array.isArray(stop) ? stop : [stop] }),
    ...encodeUser(user),
  };
}

function checkMaxTokens(model: string, value: unknown): void {
  const max = ZHIPU_MODELS.find(({ name }) => name === model)?.maxOutputTokens;
  const problem = findRangeProblem(value, { min: 1, integer: true, ...(max !== undefined && { max }) });
  if (problem === undefined) return;
  throw new ProviderError(`max_tokens of ${model} ${problem}`, {
    kind: "invalid-request",
    provider: ZHIPU_NAME,
  });
}

/** Zero means the likeliest word every time, which Zhipu says another way. */
function clampTemperature(temperature: unknown): Record<string, unknown> {
  if (typeof temperature !== "number") return {};
  if (temperature <= 0) return { do_sample: false };
  return { temperature: clampProbability(temperature) };
}

function clampProbability(value: number): number {
  return Math.min(MAX_PROBABILITY, Math.max(MIN_PROBABILITY, value));
}

/** Zhipu refuses names outside these lengths; one that does not fit is worth less than the answer. */
function encodeUser(user: unknown): Record<string, unknown> {
  return typeof user === "string" && user.length >= MIN_USER && user.length <= MAX_USER ? { user_id: user } : {};
}

/** Zhipu drops lists of parts from these roles without a word. Parts that are no text stay as they are. */
function flattenContent(message: ChatMessage): ChatMessage {
  const { role, content } = message;
  if ((role !== "assistant" && role !== "tool") || content === null || typeof content === "string") return message;
  if (!content.every((part) => typeof part.text === "string")) return message;
  return { ...message, content: content.map((part) => String(part.text)).join("") };
}
