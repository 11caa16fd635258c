import { ProviderError } from "#src/core/failures/errors.ts";
import type { ChatReducer, ChatStep } from "#src/providers/chat-codec.ts";
import { isObject, type JsonObject, parseObject, readField, readObject, readText } from "#src/providers/json-value.ts";
import type { ChatEvent, ChatResponse, FinishReason, ToolCall, Usage } from "#src/providers/provider.ts";
import type { SseEvent } from "#src/providers/transport/sse.ts";
import type { ResponseHead } from "#src/providers/transport/transport.ts";
import { type ChatDialect, checkFinish, findReportedError, readIdentity } from "./chat-dialect.ts";
import { isTextPart, readContentParts, readFinishReason, readReasoningField, readUsage } from "./chat-parts.ts";
import { findMissingAnswer, hasEmptyContent } from "./check-answer.ts";
import {
  collectExtra,
  pickExtraChoiceFields,
  pickExtraFields,
  pickExtraMessageFields,
  pickFullUsage,
} from "./extra-fields.ts";
import { mergeMessageFields } from "./merge-message-fields.ts";
import { findMissingText, type MessageText, readDeltaText, readMessageText } from "./message-text.ts";
import { ANSWER_STARTED, flushThinking, THINKING_START, type ThinkingState } from "./split-thinking.ts";
import { addToolCalls, collectToolCalls, type PartialToolCall } from "./tool-call-deltas.ts";

/** The part of the answer received so far. */
export interface StreamState {
  readonly text: string;
  readonly reasoning: string;
  readonly reasoningField: ChatResponse["reasoningField"];
  readonly refusal: string;
  readonly thinking: ThinkingState;
  readonly toolCalls: readonly PartialToolCall[];
  readonly finishReason: FinishReason | undefined;
  readonly usage: Usage | undefined;
  /** The usage as it was sent, if it contains more than `usage`. */
  readonly fullUsage: JsonObject | undefined;
  readonly identity: Pick<ChatResponse, "model" | "requestId">;
  readonly extra: ReadonlyMap<string, unknown>;
  readonly choiceExtra: ReadonlyMap<string, unknown>;
  readonly messageExtra: ReadonlyMap<string, unknown>;
  readonly logprobs: Readonly<Record<string, readonly unknown[]>> | undefined;
  /** A delta has said that the content is empty. */
  readonly hasEmptyContent: boolean;
  /** A complete message, sent instead of deltas, has arrived. */
  readonly hasMessage: boolean;
  /** The terminal marker has arrived. */
  readonly isDone: boolean;
}

const INITIAL: StreamState = {
  text: "",
  reasoning: "",
  reasoningField: undefined,
  refusal: "",
  thinking: THINKING_START,
  toolCalls: [],
  finishReason: undefined,
  usage: undefined,
  fullUsage: undefined,
  identity: {},
  extra: new Map(),
  choiceExtra: new Map(),
  messageExtra: new Map(),
  logprobs: undefined,
  hasEmptyContent: false,
  hasMessage: false,
  isDone: false,
};

const NO_EVENTS: readonly ChatEvent[] = [];

interface StreamContext {
  readonly head: ResponseHead;
  readonly now: number;
  readonly dialect: ChatDialect;
  readonly badResponseError: (message: string) => ProviderError;
}

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
    initial: INITIAL,
    reduce(state, event) {
      const data = event.data.trim();
      if (data === "[DONE]") return complete(state);
      if (data === "") return { state, events: NO_EVENTS };
      const parsed = parseObject(data);
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

/** Unknown fields, and as `content` the parts of the content that are not text. */
function readMessageFields(message: JsonObject, dialect: ChatDialect): [string, unknown][] {
  const fields = pickExtraMessageFields(message, dialect.ignoredFields);
  const parts = readContentParts(message)?.filter((part) => typeof part !== "string" && !isTextPart(part));
  if (parts) fields.push(["content", parts]);
  return fields;
}

/**
 * Some gateways send a complete message instead of deltas, or after them. Throws if it differs from the deltas, or if
 * there are several: they may be pieces or repetitions, and a guess could lose text.
 */
function reduceMessage(state: StreamState, message: JsonObject, context: StreamContext): ChatStep<StreamState> {
  const { dialect, badResponseError } = context;
  if (isBlankMessage(message, dialect)) {
    const isEmpty = state.hasEmptyContent || hasEmptyContent(message);
    return { state: { ...state, hasEmptyContent: isEmpty }, events: NO_EVENTS };
  }
  // Where a closing frame repeats all deltas, every other message does so as well.
  if (state.hasMessage && !dialect.hasClosingFrame)
    throw badResponseError("the stream contains several complete messages instead of deltas");
  return addMessage(state, message, context);
}

/** Whether a message adds nothing, like the one that some gateways send only for its finish reason. */
function isBlankMessage(message: JsonObject, dialect: ChatDialect): boolean {
  const { text, reasoning } = readMessageText(message, dialect);
  if (text !== "" || reasoning !== "" || readText(message, "refusal") !== undefined) return false;
  const values = [readField(message, "tool_calls"), ...readMessageFields(message, dialect).map(([, value]) => value)];
  return values.every((value) => value === undefined || value === null || isEmptyList(value));
}

/** Adds what the deltas before a complete message lack; throws if it differs from them. */
function addMessage(
  state: StreamState,
  message: JsonObject,
  { dialect, badResponseError }: StreamContext,
): ChatStep<StreamState> {
  const missing = findMissingText(state, readMessageText(message, dialect));
  if (!missing) throw badResponseError("the complete message of the stream differs from its deltas");
  const tools = addToolCalls(
    state.toolCalls,
    state.toolCalls.length === 0 ? readField(message, "tool_calls") : undefined,
  );
  if (typeof tools === "string") throw badResponseError(tools);
  const fields = readMessageFields(message, dialect).filter(
    ([name, value]) => !isEmptyList(value) || !state.messageExtra.has(name),
  );
  return {
    state: {
      ...state,
      text: state.text + missing.text,
      reasoning: state.reasoning + missing.reasoning,
      reasoningField: state.reasoningField ?? readReasoningField(message),
      refusal: readText(message, "refusal") ?? state.refusal,
      thinking: ANSWER_STARTED,
      toolCalls: tools.calls,
      messageExtra: mergeFields(state.messageExtra, fields),
      hasEmptyContent: state.hasEmptyContent || hasEmptyContent(message),
      hasMessage: true,
    },
    events: [...createTextEvents(missing), ...tools.events],
  };
}

/** Ends the answer with the complete message, which repeats all deltas; throws when it differs from them. */
function closeWithMessage(
  { state, events }: ChatStep<StreamState>,
  message: JsonObject,
  context: StreamContext,
): ChatStep<StreamState> {
  const step = addMessage(state, message, context);
  const finishReason = step.state.finishReason ?? implyFinishReason(step.state);
  return { state: { ...step.state, finishReason, isDone: true }, events: [...events, ...step.events], done: true };
}

/** A closing frame completes an answer even without a finish reason, unless the answer is empty. */
function implyFinishReason({
  text,
  reasoning,
  refusal,
  toolCalls,
  messageExtra,
}: StreamState): FinishReason | undefined {
  if (toolCalls.length > 0) return { unified: "tool-calls" };
  return text !== "" || reasoning !== "" || refusal !== "" || messageExtra.size > 0 ? { unified: "other" } : undefined;
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

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

function createTextEvents({ text, reasoning }: MessageText): ChatEvent[] {
  const events: ChatEvent[] = [];
  if (reasoning !== "") events.push({ type: "reasoning-delta", text: reasoning });
  if (text !== "") events.push({ type: "text-delta", text });
  return events;
}

/** The later value of a field replaces the earlier one. */
function mergeFields(
  fields: ReadonlyMap<string, unknown>,
  added: readonly [string, unknown][],
): ReadonlyMap<string, unknown> {
  if (added.length === 0) return fields;
  const changed = added.filter(([key, value]) => fields.get(key) !== value);
  return changed.length === 0 ? fields : new Map([...fields, ...changed]);
}

/** The lists of the chunks (`content`, and `refusal` of a refusal), appended. */
function addLogprobs(known: StreamState["logprobs"], value: unknown): StreamState["logprobs"] {
  if (!isObject(value)) return known;
  const logprobs = { ...known };
  for (const [name, list] of Object.entries(value))
    if (Array.isArray(list)) logprobs[name] = [...(logprobs[name] ?? []), ...list];
  return logprobs;
}

function findMissing({ finishReason, isDone }: StreamState, { terminal }: ChatDialect): string | undefined {
  if (terminal === "end-of-body") return undefined;
  if (terminal !== "done" && finishReason === undefined) return "a finish reason";
  return terminal !== "finish-reason" && !isDone ? "its terminal marker" : undefined;
}

function buildResponse(state: StreamState, toolCalls: readonly ToolCall[]): ChatResponse {
  return {
    text: state.text,
    reasoning: state.reasoning || undefined,
    reasoningField: state.reasoningField,
    refusal: state.refusal || undefined,
    toolCalls: toolCalls.length > 0 ? toolCalls : undefined,
    finishReason: state.finishReason ?? { unified: "other" },
    usage: state.usage ?? {},
    ...state.identity,
    extra: collectExtra({
      body: state.extra,
      choice: state.choiceExtra,
      message: withTextPart(state.messageExtra, state.text),
      logprobs: state.logprobs,
      usage: state.fullUsage,
    }),
  };
}

/** The text goes before the parts of the content that are not text, if there are any. */
function withTextPart(fields: StreamState["messageExtra"], text: string): StreamState["messageExtra"] {
  const parts = fields.get("content");
  if (!Array.isArray(parts) || text === "") return fields;
  return new Map([...fields, ["content", [{ type: "text", text }, ...parts]]]);
}
