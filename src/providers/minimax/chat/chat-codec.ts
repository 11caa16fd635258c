import { ProviderError } from "#src/core/errors.ts";
import type { ChatCodec, ChatReducer, ChatStep } from "#src/providers/chat-codec.ts";
import { buildErrorDetails, findRequestId } from "#src/providers/minimax/classify-error.ts";
import type { ChatRequest, ChatResponse } from "#src/providers/provider.ts";
import type { SseEvent } from "#src/providers/transport/sse.ts";
import type { HttpResponse } from "#src/providers/transport/transport.ts";
import { asObject, type FrameReader } from "./answer-frame.ts";
import {
  AnswerMismatch,
  type AnswerState,
  type AnswerStep,
  addFrame,
  buildResponse,
  closeAnswer,
  EMPTY_ANSWER,
} from "./answer-state.ts";
import type { MinimaxChatModel, MinimaxDialect } from "./chat-models.ts";
import { checkRanges } from "./check-body.ts";
import { classifyChatResponse, findFailure } from "./classify-chat-error.ts";
import { encodeOpenaiRequest, encodeV2Request } from "./encode-openai.ts";
import { encodeProRequest } from "./encode-pro.ts";
import { encodeTextRequest } from "./encode-text.ts";
import { readProFrame, readTextFrame } from "./read-native-frame.ts";
import { readOpenaiFrame } from "./read-openai-frame.ts";

interface Dialect {
  /** Below the base URL. */
  readonly path: string;
  readonly encode: (model: MinimaxChatModel, request: ChatRequest, stream: boolean) => Record<string, unknown>;
  readonly read: FrameReader;
}

const DIALECTS: Readonly<Record<MinimaxDialect, Dialect>> = {
  chatcompletion: {
    path: "text/chatcompletion",
    encode: (model, request, stream) => encodeTextRequest(model.name, request, stream),
    read: readTextFrame,
  },
  chatcompletion_pro: {
    path: "text/chatcompletion_pro",
    encode: (model, request, stream) => encodeProRequest(model.name, request, stream),
    read: readProFrame,
  },
  chatcompletion_v2: { path: "text/chatcompletion_v2", encode: encodeV2Request, read: readOpenaiFrame },
  openai: { path: "chat/completions", encode: encodeOpenaiRequest, read: readOpenaiFrame },
};

/** The path of a dialect below the base URL, without a slash at its head. */
export function dialectPath(dialect: MinimaxDialect): string {
  return DIALECTS[dialect].path;
}

/** The codec of one model in one dialect. */
export function createMinimaxChatCodec(
  model: MinimaxChatModel,
  dialect: MinimaxDialect = model.dialect,
): ChatCodec<AnswerState> {
  const { encode, read } = DIALECTS[dialect];
  return {
    encode(request, stream) {
      const body = encode(model, request, stream);
      checkRanges(body, model);
      return JSON.stringify(body);
    },
    decode: (response, now) => decode(response, read, now),
    classify: (response, now) => classifyChatResponse(parseJson(response.body), response, now),
    reducer: ({ status, headers }, now) => createReducer({ status, headers, body: EMPTY }, read, now),
  };
}

const EMPTY = Buffer.alloc(0);

function decode(response: HttpResponse, read: FrameReader, now: number): ChatResponse {
  const json = parseJson(response.body);
  if (response.status !== 200 || json === undefined) throw classifyChatResponse(json, response, now);
  const failure = findFailure(json, response, now);
  if (failure) throw failure;
  const state = closeAnswer(add(EMPTY_ANSWER, () => read(json), response, now).state).state;
  if (!state.hasStarted) throw classifyChatResponse(json, response, now);
  return buildResponse(state, findRequestId(response.headers));
}

/**
 * The native protocols end with a frame that holds everything once more, the compatible one with `[DONE]`. Either is
 * an end when the answer has begun; the end of the bytes is none.
 */
function createReducer(head: HttpResponse, read: FrameReader, now: number): ChatReducer<AnswerState, SseEvent> {
  return {
    initial: EMPTY_ANSWER,
    reduce(state, { data }): ChatStep<AnswerState> {
      if (data.trim() === "[DONE]") {
        if (state.finish === undefined)
          throw broken("the stream ended without saying why: the answer may not be complete", head, now);
        return { ...closeAnswer(state), done: true };
      }
      const json = parseText(data);
      if (json === undefined) throw broken("a frame of the stream is no JSON object", head, now);
      const failure = findFailure(json, head, now);
      if (failure) throw failure;
      const step = add(state, () => read(json), head, now);
      if (!step.state.isClosed) return step;
      const isClosed = closeAnswer(step.state);
      return { state: isClosed.state, events: [...step.events, ...isClosed.events], done: true };
    },
    finish(state) {
      if (!state.isClosed)
        throw broken("the stream ended before its closing frame: the answer is not complete", head, now);
      if (!state.hasStarted) throw broken("the stream ended without an answer", head, now);
      return buildResponse(state, findRequestId(head.headers));
    },
  };
}

function add(state: AnswerState, read: () => ReturnType<FrameReader>, response: HttpResponse, now: number): AnswerStep {
  try {
    return addFrame(state, read());
  } catch (error) {
    if (error instanceof AnswerMismatch) throw broken(error.message, response, now);
    throw error;
  }
}

function broken(message: string, response: HttpResponse, now: number): ProviderError {
  return new ProviderError(message, { ...buildErrorDetails(response, now), kind: "bad-response" });
}

function parseJson(body: Buffer): Record<string, unknown> | undefined {
  return parseText(body.toString("utf8"));
}

function parseText(text: string): Record<string, unknown> | undefined {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return undefined;
  }
}
