import type { ChatEvent, ChatResponse, FinishReason, ToolCall, Usage } from "#src/providers/provider.ts";
import type { AnswerFrame, ToolCallDelta } from "./answer-frame.ts";
import { endThinking, splitThinking, THINKING_START, type ThinkingState } from "./split-thinking.ts";

/** An answer as far as it has come. */
export interface AnswerState {
  /** The content as it came, with the tags around reasoning. */
  readonly content: string;
  readonly thinking: ThinkingState;
  /** Reasoning that came in a field of its own. */
  readonly reasoningField: string;
  readonly text: string;
  readonly reasoning: string;
  readonly toolCalls: readonly ToolCall[];
  readonly finish: string | undefined;
  readonly usage: Usage;
  readonly model: string | undefined;
  readonly id: string | undefined;
  readonly extra: Readonly<Record<string, unknown>>;
  /** The closing frame or the end marker came. */
  readonly isClosed: boolean;
  /** At least one choice was seen with something in it. */
  readonly hasStarted: boolean;
}

export const EMPTY_ANSWER: AnswerState = {
  content: "",
  thinking: THINKING_START,
  reasoningField: "",
  text: "",
  reasoning: "",
  toolCalls: [],
  finish: undefined,
  usage: {},
  model: undefined,
  id: undefined,
  extra: {},
  isClosed: false,
  hasStarted: false,
};

export interface AnswerStep {
  readonly state: AnswerState;
  readonly events: readonly ChatEvent[];
}

/** Why a frame does not fit what came before it; the caller makes the error. */
export class AnswerMismatch extends Error {
  override readonly name = "AnswerMismatch";
}

/**
 * Adds a frame. A whole that comes again only adds what its increments lacked at the end; one that is another text
 * throws AnswerMismatch, since then something was lost on the way.
 */
export function addFrame(state: AnswerState, frame: AnswerFrame): AnswerStep {
  const { whole } = frame;
  const content = frame.text + findMissingSuffix(state.content, frame.text, whole?.text);
  const reasoningDelta = frame.reasoning + findMissingSuffix(state.reasoningField, frame.reasoning, whole?.reasoning);
  // Called functions come whole again as well: they count once.
  const calls = frame.toolCalls.length > 0 || state.toolCalls.length > 0 ? frame.toolCalls : (whole?.toolCalls ?? []);
  const split = splitThinking(state.thinking, content);
  const reasoning = reasoningDelta + split.reasoning;
  const isClosing = frame.isClosing;
  return {
    events: toEvents(reasoning, split.text, calls),
    state: {
      content: state.content + content,
      thinking: split.state,
      reasoningField: state.reasoningField + reasoningDelta,
      text: state.text + split.text,
      reasoning: state.reasoning + reasoning,
      toolCalls: calls.reduce(addToolCall, state.toolCalls),
      finish: frame.finish ?? state.finish,
      usage: frame.usage ?? state.usage,
      model: frame.model ?? state.model,
      id: frame.id ?? state.id,
      extra: Object.keys(frame.extra).length > 0 ? { ...state.extra, ...frame.extra } : state.extra,
      isClosed: state.isClosed || isClosing,
      hasStarted:
        state.hasStarted || content !== "" || reasoning !== "" || calls.length > 0 || frame.finish !== undefined,
    },
  };
}

/** What was held back for a tag that did not come. */
export function closeAnswer(state: AnswerState): AnswerStep {
  const { reasoning, text } = endThinking(state.thinking);
  return {
    events: toEvents(reasoning, text, []),
    state: {
      ...state,
      text: state.text + text,
      reasoning: state.reasoning + reasoning,
      thinking: { phase: state.thinking.phase, held: "" },
      isClosed: true,
    },
  };
}

/** The answer as a response. The caller has made sure that it is complete. */
export function buildResponse(state: AnswerState, requestId: string | undefined): ChatResponse {
  const { text, reasoning, toolCalls, usage, model, extra } = state;
  const id = requestId ?? state.id;
  return {
    text,
    ...(reasoning !== "" && { reasoning }),
    ...(toolCalls.length > 0 && { toolCalls }),
    finishReason: toFinishReason(state.finish, toolCalls.length > 0),
    usage,
    ...(model !== undefined && { model }),
    ...(id !== undefined && { requestId: id }),
    ...(Object.keys(extra).length > 0 && { extra }),
  };
}

const FINISH: Readonly<Record<string, FinishReason["unified"]>> = {
  stop: "stop",
  length: "length",
  max_output: "length",
  tool_calls: "tool-calls",
  function_call: "tool-calls",
  content_filter: "content-filter",
};

function toFinishReason(raw: string | undefined, calls: boolean): FinishReason {
  if (raw === undefined) return { unified: calls ? "tool-calls" : "other" };
  return { unified: Object.hasOwn(FINISH, raw) ? (FINISH[raw] ?? "other") : "other", raw };
}

function findMissingSuffix(before: string, delta: string, whole = ""): string {
  if (whole === "") return "";
  const soFar = before + delta;
  if (whole.startsWith(soFar)) return whole.slice(soFar.length);
  // Some models' wholes come without the white space around them.
  if (whole.trim() === soFar.trim()) return "";
  throw new AnswerMismatch("the whole answer at the end of the stream differs from the increments before it");
}

function toEvents(reasoning: string, text: string, calls: readonly ToolCallDelta[]): ChatEvent[] {
  const events: ChatEvent[] = [];
  if (reasoning !== "") events.push({ type: "reasoning-delta", text: reasoning });
  if (text !== "") events.push({ type: "text-delta", text });
  for (const call of calls) events.push({ type: "tool-call-delta", ...call });
  return events;
}

/** Tool calls are numbered from 0 without gaps: an index that would leave one is no answer we can read. */
function addToolCall(calls: readonly ToolCall[], delta: ToolCallDelta): readonly ToolCall[] {
  if (delta.index > calls.length) throw new AnswerMismatch("a tool call of the stream lacks its predecessor");
  const known = calls[delta.index] ?? { id: "", name: "", arguments: "" };
  const changed: ToolCall = {
    id: delta.id ?? known.id,
    name: delta.name ?? known.name,
    arguments: known.arguments + (delta.arguments ?? ""),
  };
  return [...calls.slice(0, delta.index), changed, ...calls.slice(delta.index + 1)];
}
