import { ProviderError } from "#src/core/failures/errors.ts";
import type { ChatReducer, ChatStep } from "#src/providers/chat-codec.ts";
import { isObject, type JsonObject, parseObject, readField, readObject } from "#src/providers/json-value.ts";
import type { ChatEvent, ChatResponse, FinishReason, Usage } from "#src/providers/provider.ts";
import type { SseEvent } from "#src/providers/transport/sse.ts";
import type { ResponseHead } from "#src/providers/transport/transport.ts";
import { type ChatDialect, checkFinish, collectExtra, findReportedError, readIdentity } from "./chat-dialect.ts";
import { pickExtraFields, pickExtraMessageFields, readFinishReason, readUsage } from "./chat-parts.ts";
import { findMissingText, type MessageText, readDeltaText, readMessageText } from "./message-text.ts";
import { flushThinking, THINKING_START, type ThinkingState } from "./split-thinking.ts";
import { addToolCalls, type PartialToolCall } from "./tool-call-deltas.ts";

/** The part of the answer received so far. */
export interface StreamState {
  readonly text: string;
  readonly reasoning: string;
  readonly thinking: ThinkingState;
  readonly toolCalls: readonly PartialToolCall[];
  readonly finishReason: FinishReason | undefined;
  readonly usage: Usage | undefined;
  readonly identity: Pick<ChatResponse, "model" | "requestId">;
  readonly extra: ReadonlyMap<string, unknown>;
  readonly messageExtra: ReadonlyMap<string, unknown>;
  readonly logprobs: readonly unknown[] | undefined;
  /** The terminal marker has arrived. */
  readonly isDone: boolean;
}

const INITIAL: StreamState = {
  text: "",
  reasoning: "",
  thinking: THINKING_START,
  toolCalls: [],
  finishReason: undefined,
  usage: undefined,
  identity: {},
  extra: new Map(),
  messageExtra: new Map(),
  logprobs: undefined,
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
      if (data === "[DONE]") return complete(state, flushThinking(state.thinking), NO_EVENTS);
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
      return buildResponse(state);
    },
  };
}

function reduceFrame(state: StreamState, frame: JsonObject, context: StreamContext): ChatStep<StreamState> {
  const { head, now, dialect, badResponseError } = context;
  const identity = addIdentity(state.identity, frame, context);
  const extra = mergeFields(state.extra, pickExtraFields(frame, dialect.ignoredFields));
  const usage = readUsage(readField(frame, "usage")) ?? state.usage;
  const isSame = identity === state.identity && extra === state.extra && usage === state.usage;
  const common = isSame ? state : { ...state, identity, extra, usage };
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
  if (!dialect.hasClosingFrame || frame.object === "chat.completion.chunk") return step;
  const message = readObject(choice, "message");
  return message ? closeWithMessage(step, message, context) : step;
}

/** Model and request id of the first frame that contains them. */
function addIdentity(known: StreamState["identity"], frame: JsonObject, { head, dialect }: StreamContext) {
  if (known.model !== undefined && known.requestId !== undefined) return known;
  const found = readIdentity(frame, head.headers, dialect);
  const model = known.model ?? found.model;
  const requestId = known.requestId ?? found.requestId;
  return model === known.model && requestId === known.requestId ? known : { model, requestId };
}

function reduceChoice(
  state: StreamState,
  choice: unknown,
  { head, dialect, badResponseError }: StreamContext,
): ChatStep<StreamState> {
  const delta = readObject(choice, "delta");
  const finishReason = readFinishReason(choice) ?? state.finishReason;
  checkFinish(finishReason, head, dialect);
  const usage = readUsage(readField(choice, "usage")) ?? state.usage;
  const logprobs = addLogprobs(state.logprobs, readField(choice, "logprobs"));
  if (!delta) return { state: { ...state, finishReason, usage, logprobs }, events: NO_EVENTS };
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
      thinking,
      toolCalls: tools.calls,
      finishReason,
      usage,
      logprobs,
      messageExtra: mergeFields(state.messageExtra, pickExtraMessageFields(delta, dialect.ignoredFields)),
    },
    events,
  };
}

/** Ends the answer with the complete message, which repeats all deltas; throws when it differs from them. */
function closeWithMessage(
  { state, events }: ChatStep<StreamState>,
  message: JsonObject,
  { dialect, badResponseError }: StreamContext,
): ChatStep<StreamState> {
  const missing = findMissingText(state, readMessageText(message, dialect));
  if (!missing) throw badResponseError("the complete answer at the end of the stream differs from its deltas");
  if (state.toolCalls.length > 0) return complete(state, missing, events);
  const tools = addToolCalls(state.toolCalls, readField(message, "tool_calls"));
  if (typeof tools === "string") throw badResponseError(tools);
  return complete({ ...state, toolCalls: tools.calls }, missing, events, tools.events);
}

/** The last step: `held` is text that no event has reported yet. */
function complete(
  state: StreamState,
  held: MessageText,
  before: readonly ChatEvent[],
  after: readonly ChatEvent[] = NO_EVENTS,
): ChatStep<StreamState> {
  return {
    state: { ...state, text: state.text + held.text, reasoning: state.reasoning + held.reasoning, isDone: true },
    events: [...before, ...createTextEvents(held), ...after],
    done: true,
  };
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

function addLogprobs(known: readonly unknown[] | undefined, value: unknown): readonly unknown[] | undefined {
  const content = isObject(value) ? readField(value, "content") : undefined;
  return Array.isArray(content) ? [...(known ?? []), ...content] : known;
}

function findMissing({ finishReason, isDone }: StreamState, { terminal }: ChatDialect): string | undefined {
  if (terminal !== "done" && finishReason === undefined) return "a finish reason";
  return terminal !== "finish-reason" && !isDone ? "its terminal marker" : undefined;
}

function buildResponse(state: StreamState): ChatResponse {
  const toolCalls = state.toolCalls
    .toSorted((a, b) => a.index - b.index)
    .filter(({ name }) => name !== "")
    .map(({ id, name, arguments: text }) => ({ id, name, arguments: text }));
  return {
    text: state.text,
    reasoning: state.reasoning || undefined,
    toolCalls: toolCalls.length > 0 ? toolCalls : undefined,
    finishReason: state.finishReason ?? { unified: "other" },
    usage: state.usage ?? {},
    ...state.identity,
    extra: collectExtra([...state.extra], [...state.messageExtra], state.logprobs && { content: state.logprobs }),
  };
}
