import { ProviderError } from "#src/core/failures/errors.ts";
import type { ChatReducer, ChatStep } from "#src/providers/chat-codec.ts";
import {
  isObject,
  type JsonObject,
  parseOnlyObject,
  readField,
  readObject,
  readText,
} from "#src/providers/json-value.ts";
import { findMissingAnswer, hasEmptyContent } from "#src/providers/openai-compatible/check-answer.ts";
import {
  pickExtraChoiceFields,
  pickExtraFields,
  pickFullUsage,
} from "#src/providers/openai-compatible/extra-fields.ts";
import type { Usage } from "#src/providers/provider.ts";
import type { SseEvent } from "#src/providers/transport/sse.ts";
import type { ResponseHead } from "#src/providers/transport/transport.ts";
import { type ChatDialect, checkFinish, findReportedError, readIdentity } from "./chat-dialect.ts";
import { readFinishReason, readReasoningField, readUsage } from "./chat-parts.ts";
import { closeWithMessage, reduceMessage } from "./complete-message.ts";
import { mergeMessageFields, readMessageFields } from "./merge-message-fields.ts";
import { readDeltaText } from "./message-text.ts";
import { flushThinking } from "./split-thinking.ts";
import { buildResponse, findMissing } from "./stream-response.ts";
import {
  createTextEvents,
  INITIAL_STATE,
  mergeFields,
  NO_EVENTS,
  type StreamContext,
  type StreamState,
} from "./stream-state.ts";
import { addToolCalls, collectToolCalls } from "./tool-call-deltas.ts";

/** The reducer of `chat.completion.chunk` frames up to the terminal marker. */
export function createChatReducer(
  head: ResponseHead,
  now: number,
  dialect: ChatDialect,
): ChatReducer<StreamState, SseEvent> {
  const badResponseError = (message: string) =>
    new ProviderError(message, { kind: "bad-response", provider: dialect.provider, status: head.status });
  const context: StreamContext = { head, now, dialect, badResponseError };
  return {
    initial: INITIAL_STATE,
    reduce(state, event) {
      const data = event.data.trim();
      if (data === "[DONE]") return complete(state);
      if (data === "") return { state, events: NO_EVENTS };
      const parsed = parseOnlyObject(data);
      if (!parsed) {
        if (event.name === "error") throw dialect.classifyBody({ error: data }, head, now);
        throw badResponseError("a frame of the stream is not a JSON object");
      }
      if (event.name === "error") throw dialect.classifyBody(parsed, head, now);
      const frame = dialect.normalize?.(parsed) ?? parsed;
      const error = findReportedError(frame, head, now, dialect);
      if (error) throw error;
      dialect.checkRequestId?.(frame, head);
      return reduceFrame(state, frame, context);
    },
    finish(state) {
      const missing = findMissing(state, dialect);
      if (missing !== undefined)
        throw badResponseError(`the stream ended without ${missing}: the answer is not complete`);
      const toolCalls = collectToolCalls(state.toolCalls);
      if (typeof toolCalls === "string") throw badResponseError(toolCalls);
      const response = buildResponse(state, toolCalls);
      const missingAnswer = findMissingAnswer(response, state.hasEmptyContent);
      if (missingAnswer !== undefined) throw badResponseError(missingAnswer);
      return response;
    },
  };
}

function reduceFrame(state: StreamState, frame: JsonObject, context: StreamContext): ChatStep<StreamState> {
  const { head, now, dialect, badResponseError } = context;
  const identity = addIdentity(state.identity, frame, context);
  const extra = mergeFields(state.extra, pickExtraFields(frame, dialect.ignoredFields));
  const usage = readUsage(readField(frame, "usage"));
  const isSame = identity === state.identity && extra === state.extra && usage === undefined;
  const common = isSame ? state : { ...state, identity, extra, ...addUsage(state, usage, frame) };
  const choices = readField(frame, "choices");
  if (choices === undefined || choices === null) {
    // A flat error has no `error` field. Other frames without choices contain usage or keep the connection alive.
    if (readField(frame, "code") !== undefined) throw dialect.classifyBody(frame, head, now);
    return { state: common, events: NO_EVENTS };
  }
  if (!Array.isArray(choices)) throw badResponseError("the choices of a frame are not a list");
  if (choices.length === 0) return { state: common, events: NO_EVENTS };
  const [choice] = choices;
  const index = readField(choice, "index") ?? 0;
  if (choices.length > 1 || index !== 0)
    throw badResponseError("a frame contains another choice than the one requested");
  const step = reduceChoice(common, choice, context);
  const message = dialect.hasClosingFrame ? readObject(choice, "message") : undefined;
  if (!message) return step;
  if (frame.object !== "chat.completion.chunk") return closeWithMessage(step, message, context);
  const { state: withMessage, events } = reduceMessage(step.state, message, context);
  return { state: withMessage, events: [...step.events, ...events] };
}

/** The last usage of any frame or choice counts. */
function addUsage(state: StreamState, usage: Usage | undefined, source: unknown) {
  const { usage: known, fullUsage } = state;
  if (usage === undefined) return { usage: known, fullUsage };
  return { usage, fullUsage: pickFullUsage(readField(source, "usage")) };
}

/** Model and request id of the first frame that contains them. */
function addIdentity(known: StreamState["identity"], frame: JsonObject, { head, dialect }: StreamContext) {
  if (known.model !== undefined && known.requestId !== undefined) return known;
  const found = readIdentity(frame, head.headers, dialect);
  const model = known.model ?? found.model;
  const requestId = known.requestId ?? found.requestId;
  return model === known.model && requestId === known.requestId ? known : { model, requestId };
}

function reduceChoice(state: StreamState, choice: unknown, context: StreamContext): ChatStep<StreamState> {
  const { head, dialect } = context;
  const finishReason = readFinishReason(choice) ?? state.finishReason;
  checkFinish(finishReason, head, dialect);
  const common = {
    ...state,
    finishReason,
    ...addUsage(state, readUsage(readField(choice, "usage")), choice),
    logprobs: addLogprobs(state.logprobs, readField(choice, "logprobs")),
    choiceExtra: mergeFields(state.choiceExtra, pickExtraChoiceFields(choice, dialect.ignoredFields)),
  };
  const delta = readObject(choice, "delta");
  if (delta) return reduceDelta(common, delta, context);
  const text = readField(choice, "text");
  if (typeof text === "string") return reduceDelta(common, { content: text }, context);
  const message = dialect.hasClosingFrame ? undefined : readObject(choice, "message");
  return message ? reduceMessage(common, message, context) : { state: common, events: NO_EVENTS };
}

function reduceDelta(state: StreamState, delta: JsonObject, context: StreamContext): ChatStep<StreamState> {
  const { dialect, badResponseError } = context;
  const { text, reasoning, thinking } = readDeltaText(delta, state.thinking, dialect);
  const tools = addToolCalls(state.toolCalls, readField(delta, "tool_calls"));
  if (typeof tools === "string") throw badResponseError(tools);
  const events = createTextEvents({ text, reasoning });
  events.push(...tools.events);
  return {
    state: {
      ...state,
      text: state.text + text,
      reasoning: state.reasoning + reasoning,
      reasoningField: state.reasoningField ?? readReasoningField(delta),
      refusal: state.refusal + (readText(delta, "refusal") ?? ""),
      thinking,
      toolCalls: tools.calls,
      messageExtra: mergeMessageFields(state.messageExtra, readMessageFields(delta, dialect)),
      hasEmptyContent: state.hasEmptyContent || hasEmptyContent(delta),
    },
    events,
  };
}

/** The last step, which adds the text that no event has reported yet. */
function complete(state: StreamState): ChatStep<StreamState> {
  const held = flushThinking(state.thinking);
  return {
    state: { ...state, text: state.text + held.text, reasoning: state.reasoning + held.reasoning, isDone: true },
    events: createTextEvents(held),
    done: true,
  };
}

/** The lists of the chunks (`content`, and `refusal` of a refusal), appended. */
function addLogprobs(known: StreamState["logprobs"], value: unknown): StreamState["logprobs"] {
  if (!isObject(value)) return known;
  const logprobs = { ...known };
  for (const [name, list] of Object.entries(value))
    if (Array.isArray(list)) logprobs[name] = [...(logprobs[name] ?? []), ...list];
  return logprobs;
}
