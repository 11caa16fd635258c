import { ProviderError } from "#src/core/failures/errors.ts";
import type { ChatCodec } from "#src/providers/chat-codec.ts";
import { checkEncoding } from "#src/providers/check-encoding.ts";
import { type JsonObject, parseObject, readField, readObject, readText } from "#src/providers/json-value.ts";
import { findMissingAnswer, hasEmptyContent } from "#src/providers/openai-compatible/check-answer.ts";
import {
  collectExtra,
  type ExtraFields,
  pickExtraChoiceFields,
  pickExtraFields,
  pickExtraMessageFields,
  pickFullUsage,
} from "#src/providers/openai-compatible/extra-fields.ts";
import type { ChatChoice, ChatResponse } from "#src/providers/provider.ts";
import type { HttpResponse } from "#src/providers/transport/transport.ts";
import { type ChatDialect, checkFinish, findReportedError, readIdentity } from "./chat-dialect.ts";
import { readContentParts, readFinishReason, readReasoningField, readToolCalls, readUsage } from "./chat-parts.ts";
import { createChatReducer } from "./chat-reducer.ts";
import { readMessageText } from "./message-text.ts";
import type { StreamState } from "./stream-state.ts";

/** The codec of the OpenAI chat protocol in one dialect. */
export function createChatCodec(dialect: ChatDialect): ChatCodec<StreamState> {
  return {
    encode: (request, stream) => JSON.stringify(dialect.encode(request, stream)),
    check: (request) => checkEncoding(() => dialect.encode(request, false), dialect.listAdjustments?.(request)),
    decode: (response, now) => decodeChat(response, now, dialect),
    classify: (response, now) => dialect.classifyResponse(response, now),
    reducer: (head, now) => createChatReducer(head, now, dialect),
  };
}

function decodeChat(response: HttpResponse, now: number, dialect: ChatDialect): ChatResponse {
  if (response.status !== 200) throw dialect.classifyResponse(response, now);
  const parsed = parseObject(response.body.toString("utf8"));
  if (!parsed) throw dialect.classifyResponse(response, now);
  const body = dialect.normalize?.(parsed) ?? parsed;
  const error = findReportedError(body, response, now, dialect);
  if (error) throw error;
  dialect.checkRequestId?.(body, response);
  const choices = readField(body, "choices");
  const [first, ...others]: readonly unknown[] = Array.isArray(choices) ? choices : [];
  const message = readMessage(first);
  // Some flat errors come as a 200 without an `error` field: the dialect recognizes them or reports a bad response.
  if (!message) throw dialect.classifyResponse(response, now);
  const usage = pickFullUsage(readField(body, "usage"));
  const fields = { body: pickExtraFields(body, dialect.ignoredFields), usage };
  const { requestId, model } = readIdentity(body, response.headers, dialect);
  const answer: ChatResponse = {
    ...readChoice(first, message, fields, response, dialect),
    usage: readUsage(readField(body, "usage")) ?? {},
    model,
    requestId,
    choices: readOtherChoices(others, response, dialect),
  };
  const missing = findMissingAnswer(answer, hasEmptyContent(message));
  if (missing === undefined) return answer;
  throw new ProviderError(missing, { kind: "bad-response", provider: dialect.provider, status: 200, requestId });
}

function readChoice(
  choice: unknown,
  message: JsonObject,
  { body, usage }: Pick<ExtraFields, "body" | "usage">,
  response: HttpResponse,
  dialect: ChatDialect,
): ChatChoice {
  const finishReason = readFinishReason(choice);
  checkFinish(finishReason, response, dialect);
  return {
    ...readAnswer(message, dialect),
    finishReason: finishReason ?? { unified: "other" },
    extra: collectExtra({
      body,
      choice: pickExtraChoiceFields(choice, dialect.ignoredFields),
      message: readMessageFields(message, dialect),
      logprobs: readField(choice, "logprobs"),
      usage,
    }),
  };
}

function readOtherChoices(
  choices: readonly unknown[],
  response: HttpResponse,
  dialect: ChatDialect,
): readonly ChatChoice[] | undefined {
  const read = choices.flatMap((choice) => {
    const message = readMessage(choice);
    return message ? [readChoice(choice, message, { body: [], usage: undefined }, response, dialect)] : [];
  });
  return read.length > 0 ? read : undefined;
}

/** The message of a choice; some gateways send the text of the choice instead. */
function readMessage(choice: unknown): JsonObject | undefined {
  const text = readField(choice, "text");
  return readObject(choice, "message") ?? (typeof text === "string" ? { content: text } : undefined);
}

function readAnswer(
  message: JsonObject,
  dialect: ChatDialect,
): Pick<ChatResponse, "text" | "reasoning" | "reasoningField" | "refusal" | "toolCalls"> {
  const { text, reasoning } = readMessageText(message, dialect);
  const toolCalls = readToolCalls(message);
  return {
    text,
    reasoning: reasoning || undefined,
    reasoningField: readReasoningField(message),
    refusal: readText(message, "refusal"),
    toolCalls: toolCalls.length > 0 ? toolCalls : undefined,
  };
}

function readMessageFields(message: JsonObject, dialect: ChatDialect): readonly [string, unknown][] {
  const fields = pickExtraMessageFields(message, dialect.ignoredFields);
  const parts = readContentParts(message);
  if (parts) fields.push(["content", parts]);
  return fields;
}
