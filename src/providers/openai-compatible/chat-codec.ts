import type { ChatCodec } from "#src/providers/chat-codec.ts";
import { parseObject, readField, readObject } from "#src/providers/json-value.ts";
import type { ChatResponse } from "#src/providers/provider.ts";
import type { HttpResponse } from "#src/providers/transport/transport.ts";
import { type ChatDialect, checkFinish, collectExtra, readIdentity, reportsError } from "./chat-dialect.ts";
import {
  pickExtraFields,
  pickExtraMessageFields,
  readContent,
  readFinishReason,
  readReasoning,
  readToolCalls,
  readUsage,
} from "./chat-parts.ts";
import { createChatReducer, type StreamState } from "./chat-reducer.ts";

/** The codec of everything that speaks the OpenAI chat protocol. */
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
  const body = parseObject(response.body.toString("utf8"));
  if (!body) throw dialect.classifyResponse(response, now);
  if (reportsError(body)) throw dialect.classifyBody(body, response, now);
  dialect.checkRequestId?.(body, response);
  const choices = readField(body, "choices");
  const choice = Array.isArray(choices) ? choices[0] : undefined;
  const message = readObject(choice, "message");
  // Some flat errors come as a 200 without an `error` key: the dialect knows them, or calls it a bad response.
  if (!message) throw dialect.classifyResponse(response, now);
  const finishReason = readFinishReason(choice);
  checkFinish(finishReason, response, dialect);
  const reasoning = readReasoning(message);
  const toolCalls = readToolCalls(message);
  return {
    text: readContent(message),
    ...(reasoning !== undefined && { reasoning }),
    ...(toolCalls.length > 0 && { toolCalls }),
    finishReason: finishReason ?? { unified: "other" },
    usage: readUsage(readField(body, "usage")) ?? {},
    ...readIdentity(body, response.headers),
    ...collectExtra(pickExtraFields(body), pickExtraMessageFields(message), readField(choice, "logprobs")),
  };
}
