import type { ChatCodec } from "#src/providers/chat-codec.ts";
import { parseObject, readField, readObject } from "#src/providers/json-value.ts";
import type { ChatResponse } from "#src/providers/provider.ts";
import type { HttpResponse } from "#src/providers/transport/transport.ts";
import { type ChatDialect, checkFinish, collectExtra, findReportedError, readIdentity } from "./chat-dialect.ts";
import { pickExtraFields, pickExtraMessageFields, readFinishReason, readToolCalls, readUsage } from "./chat-parts.ts";
import { createChatReducer, type StreamState } from "./chat-reducer.ts";
import { readMessageText } from "./message-text.ts";

/** The codec of the OpenAI chat protocol in one dialect. */
export function createChatCodec(dialect: ChatDialect): ChatCodec<StreamState> {
  return {
    encode: (request, stream) => JSON.stringify(dialect.encode(request, stream)),
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
  const choice = Array.isArray(choices) ? choices[0] : undefined;
  const message = readObject(choice, "message");
  // Some flat errors come as a 200 without an `error` field: the dialect recognizes them or reports a bad response.
  if (!message) throw dialect.classifyResponse(response, now);
  const finishReason = readFinishReason(choice);
  checkFinish(finishReason, response, dialect);
  const { text, reasoning } = readMessageText(message, dialect);
  const toolCalls = readToolCalls(message);
  return {
    text,
    reasoning: reasoning || undefined,
    toolCalls: toolCalls.length > 0 ? toolCalls : undefined,
    finishReason: finishReason ?? { unified: "other" },
    usage: readUsage(readField(body, "usage")) ?? {},
    ...readIdentity(body, response.headers, dialect),
    extra: collectExtra(
      pickExtraFields(body, dialect.ignoredFields),
      pickExtraMessageFields(message, dialect.ignoredFields),
      readField(choice, "logprobs"),
    ),
  };
}
