import { ProviderError } from "#src/core/errors.ts";
import type { ChatReducer, ChatStep } from "#src/providers/chat-codec.ts";
import { isObject, type JsonObject, parseObject, readField, readObject } from "#src/providers/json-value.ts";
import type { ChatEvent, ChatResponse, FinishReason, Usage } from "#src/providers/provider.ts";
import type { SseEvent } from "#src/providers/transport/sse.ts";
import {
  type ChatDialect,
  checkFinish,
  collectExtra,
  type ResponseHead,
  readIdentity,
  reportsError,
} from "./chat-dialect.ts";
import {
  pickExtraFields,
  pickExtraMessageFields,
  readContent,
  readFinishReason,
  readReasoning,
  readUsage,
} from "./chat-parts.ts";
import { addToolCalls, type PartialToolCall } from "./tool-call-deltas.ts";

/** The answer so far. */
export interface StreamState {
  readonly text: string;
  readonly reasoning: string;
  readonly toolCalls: readonly PartialToolCall[];
  readonly finishReason: FinishReason | undefined;
  readonly usage: Usage | undefined;
  /** Of the first frame. */
  readonly identity: Pick<ChatResponse, "model" | "requestId"> | undefined;
  readonly extra: ReadonlyMap<string, unknown>;
  readonly messageExtra: ReadonlyMap<string, unknown>;
  readonly logprobs: readonly unknown[] | undefined;
  readonly done: boolean;
}

const INITIAL: StreamState = {
  text: "",
  reasoning: "",
  toolCalls: [],
  finishReason: undefined,
  usage: undefined,
  identity: undefined,
  extra: new Map(),
  messageExtra: new Map(),
  logprobs: undefined,
  done: false,
};

const NO_EVENTS: readonly ChatEvent[] = [];

/** The reducer of `chat.completion.chunk` frames up to `[DONE]`. */
export function createChatReducer(
  head: ResponseHead,
  now: number,
  dialect: ChatDialect,
): ChatReducer<StreamState, SseEvent> {
  const badResponseError = (message: string) =>
    new ProviderError(message, { kind: "bad-response", provider: dialect.provider, status: head.status });
  return {
    initial: INITIAL,
    reduce(state, event) {
      const data = event.data.trim();
      if (data === "[DONE]") return { state: { ...state, done: true }, events: NO_EVENTS, done: true };
      if (data === "") return { state, events: NO_EVENTS };
      const frame = parseObject(data);
      if (!frame) {
        if (event.name === "error") throw dialect.classifyBody({ error: data }, head, now);
        throw badResponseError("a frame of the stream is not a JSON object");
      }
      if (event.name === "error" || reportsError(frame)) throw dialect.classifyBody(frame, head, now);
      dialect.checkRequestId?.(frame, head);
      return reduceFrame(state, frame, { head, now, dialect, badResponseError });
    },
    finish(state) {
      const missing = findMissing(state, dialect);
      if (missing !== undefined)
        throw badResponseError(`the stream ended without ${missing}: the answer is not complete`);
      return buildResponse(state);
    },
  };
}

interface FrameContext {
  readonly head: ResponseHead;
  readonly now: number;
  readonly dialect: ChatDialect;
  readonly badResponseError: (message: string) => ProviderError;
}

function reduceFrame(state: StreamState, frame: JsonObject, context: FrameContext): ChatStep<StreamState> {
  const identity = state.identity ?? readIdentity(frame, context.head.headers);
  const extra = merge(state.extra, pickExtraFields(frame));
  const usage = readUsage(readField(frame, "usage")) ?? state.usage;
  const isSame = identity === state.identity && extra === state.extra && usage === state.usage;
  const common = isSame ? state : { ...state, identity, extra, usage };
  const choices = readField(frame, "choices");
  if (choices === undefined || choices === null) {
    // A flat error has no `error` key; frames without choices are otherwise figures or keep-alives.
    if (readField(frame, "code") !== undefined) throw context.dialect.classifyBody(frame, context.head, context.now);
    return { state: common, events: NO_EVENTS };
  }
  if (!Array.isArray(choices)) throw context.badResponseError("the choices of a frame are not a list");
  if (choices.length === 0) return { state: common, events: NO_EVENTS };
  const [choice] = choices;
  const index = readField(choice, "index") ?? 0;
  if (choices.length > 1 || index !== 0)
    throw context.badResponseError("a frame carries another choice than the one asked for");
  return reduceChoice(common, choice, context);
}

function reduceChoice(
  state: StreamState,
  choice: unknown,
  { head, dialect, badResponseError }: FrameContext,
): ChatStep<StreamState> {
  // The last frame of some vendors has the whole message instead of a delta; only deltas are text that is new.
  const delta = readObject(choice, "delta");
  const finishReason = readFinishReason(choice) ?? state.finishReason;
  checkFinish(finishReason, head, dialect);
  const usage = readUsage(readField(choice, "usage")) ?? state.usage;
  const logprobs = addLogprobs(state.logprobs, readField(choice, "logprobs"));
  if (!delta) return { state: { ...state, finishReason, usage, logprobs }, events: NO_EVENTS };
  const text = readContent(delta);
  const reasoning = readReasoning(delta) ?? "";
  const tools = addToolCalls(state.toolCalls, readField(delta, "tool_calls"));
  if (typeof tools === "string") throw badResponseError(tools);
  const events: ChatEvent[] = [];
  if (reasoning !== "") events.push({ type: "reasoning-delta", text: reasoning });
  if (text !== "") events.push({ type: "text-delta", text });
  events.push(...tools.events);
  return {
    state: {
      ...state,
      text: state.text + text,
      reasoning: state.reasoning + reasoning,
      toolCalls: tools.calls,
      finishReason,
      usage,
      logprobs,
      messageExtra: merge(state.messageExtra, pickExtraMessageFields(delta)),
    },
    events,
  };
}

/** The later value of a field replaces the earlier. */
function merge(fields: ReadonlyMap<string, unknown>, more: readonly [string, unknown][]): ReadonlyMap<string, unknown> {
  if (more.length === 0) return fields;
  const news = more.filter(([key, value]) => fields.get(key) !== value);
  return news.length === 0 ? fields : new Map([...fields, ...news]);
}

function addLogprobs(known: readonly unknown[] | undefined, value: unknown): readonly unknown[] | undefined {
  const content = isObject(value) ? readField(value, "content") : undefined;
  return Array.isArray(content) ? [...(known ?? []), ...content] : known;
}

function findMissing(state: StreamState, { terminal }: ChatDialect): string | undefined {
  if (terminal !== "done" && state.finishReason === undefined) return "a finish reason";
  return terminal !== "finish-reason" && !state.done ? "[DONE]" : undefined;
}

function buildResponse(state: StreamState): ChatResponse {
  const toolCalls = state.toolCalls
    .toSorted((a, b) => a.index - b.index)
    .filter(({ name }) => name !== "")
    .map(({ id, name, arguments: text }) => ({ id, name, arguments: text }));
  return {
    text: state.text,
    ...(state.reasoning !== "" && { reasoning: state.reasoning }),
    ...(toolCalls.length > 0 && { toolCalls }),
    finishReason: state.finishReason ?? { unified: "other" },
    usage: state.usage ?? {},
    ...state.identity,
    ...collectExtra([...state.extra], [...state.messageExtra], state.logprobs && { content: state.logprobs }),
  };
}
