import { ProviderError } from "#src/core/errors.ts";
import type { ChatReducer, ChatStep } from "#src/providers/chat-codec.ts";
import { type JsonObject, parseObject, readField, readObject } from "#src/providers/json-value.ts";
import type { ChatEvent, ChatResponse, Usage } from "#src/providers/provider.ts";
import { createSparkCodeError, readCode, readSid } from "./classify-error.ts";
import { type FunctionCall, readPieces, readSparkUsage } from "./frame-parts.ts";
import { SPARK_NAME } from "./profile.ts";

/** Frames that wait for one before them. A network does not reorder a connection, so more than this is nonsense. */
const MAX_PENDING = 1024;

interface Frame {
  readonly seq: number;
  readonly last: boolean;
  readonly content: string;
  readonly reasoning: string;
  readonly call: FunctionCall | undefined;
  readonly usage: Usage | undefined;
}

/** The answer so far, and the frames that came too early for it. */
export interface FrameState {
  readonly frames: number;
  readonly next: number;
  readonly lastSeq: number | undefined;
  readonly highestSeq: number;
  readonly pending: ReadonlyMap<number, Frame>;
  readonly text: string;
  readonly reasoning: string;
  readonly call: FunctionCall | undefined;
  readonly usage: Usage;
  readonly sid: string | undefined;
  readonly isComplete: boolean;
}

const INITIAL: FrameState = {
  frames: 0,
  next: 0,
  lastSeq: undefined,
  highestSeq: -1,
  pending: new Map(),
  text: "",
  reasoning: "",
  call: undefined,
  usage: {},
  sid: undefined,
  isComplete: false,
};

export interface FrameReducerOptions {
  /** The caller's own limit: an answer that used it up was cut, which Spark does not say. */
  readonly maxTokens?: number | undefined;
}

/**
 * WebSocket frames into one answer. Frames count in the order of `seq`: early ones wait, repeated ones are dropped.
 * Only a frame with `header.code` 0 and `header.status` 2, with every frame before it there, completes the answer;
 * its text belongs to the answer. Whatever comes after that is ignored.
 */
export function createFrameReducer(options: FrameReducerOptions = {}): ChatReducer<FrameState, string> {
  return {
    initial: INITIAL,
    reduce(state, text) {
      if (state.isComplete) return { state, events: [], done: true };
      const { frame, sid } = readFrame(text, state);
      const counted = { ...state, frames: state.frames + 1, sid };
      if (frame.seq < state.next || state.pending.has(frame.seq)) return { state: counted, events: [] };
      return applyFrame(trackSequence(counted, frame), frame);
    },
    finish(state) {
      if (state.isComplete) return buildResponse(state, options);
      const missing = state.lastSeq === undefined ? "its last frame" : `frame ${state.next} of 0 to ${state.lastSeq}`;
      throw badResponseError(state, `the stream ended without ${missing}: the answer is not complete`);
    },
  };
}

function readFrame(text: string, state: FrameState): { frame: Frame; sid: string | undefined } {
  const body = parseObject(text);
  const header = readObject(body, "header");
  if (!body || !header)
    throw badResponseError(state, `a frame is not a JSON object with a header (${text.length} characters)`);
  const sid = readSid(readField(header, "sid")) ?? state.sid;
  const code = readCode(readField(header, "code"));
  if (code === undefined) throw badResponseError(state, "a frame has no header.code");
  if (code !== 0) throw createSparkCodeError(code, { requestId: sid });
  const payload = readObject(body, "payload");
  const choices = readObject(payload, "choices");
  if (!choices) throw badResponseError(state, "a frame reports success but holds no choices");
  const last = readCode(readField(header, "status")) === 2;
  return { frame: { seq: readSeq(choices, state), last, ...readContents(payload, choices, state) }, sid };
}

function readSeq(choices: JsonObject, state: FrameState): number {
  const seq = readField(choices, "seq");
  if (typeof seq === "number" && Number.isSafeInteger(seq) && seq >= 0) return seq;
  throw badResponseError(state, "a frame has no usable seq");
}

function readContents(payload: JsonObject | undefined, choices: JsonObject, state: FrameState) {
  const pieces = readPieces(readField(choices, "text") ?? []);
  if (!pieces) throw badResponseError(state, "a frame's text has another form than a list of contents");
  return { ...pieces, usage: readSparkUsage(readObject(readObject(payload, "usage"), "text")) };
}

/** The state with what a new frame says about the others; refuses frames that contradict each other. */
function trackSequence(state: FrameState, { seq, last }: Frame): FrameState {
  const { lastSeq, highestSeq } = state;
  if ((lastSeq !== undefined && (last || seq > lastSeq)) || (last && seq < highestSeq))
    throw badResponseError(state, "frames follow after the last one");
  return { ...state, lastSeq: last ? seq : lastSeq, highestSeq: Math.max(highestSeq, seq) };
}

/** Adds the frame and those that waited for it, or lets it wait. */
function applyFrame(state: FrameState, frame: Frame): ChatStep<FrameState> {
  if (frame.seq !== state.next) return holdFrame(state, frame);
  const events: ChatEvent[] = [];
  let nextState = appendFrame(state, frame, events);
  // Frames nearly always come in order, and then nothing waits.
  if (state.pending.size > 0) nextState = addPending(nextState, events);
  return { state: nextState, events, ...(nextState.isComplete && { done: true }) };
}

function holdFrame(state: FrameState, frame: Frame): ChatStep<FrameState> {
  if (state.pending.size >= MAX_PENDING)
    throw badResponseError(state, `frame ${state.next} does not come, but ${MAX_PENDING} after it`);
  return { state: { ...state, pending: new Map([...state.pending, [frame.seq, frame]]) }, events: [] };
}

function addPending(state: FrameState, events: ChatEvent[]): FrameState {
  const pending = new Map(state.pending);
  let nextState = state;
  for (let frame = pending.get(nextState.next); frame && !nextState.isComplete; frame = pending.get(nextState.next)) {
    pending.delete(frame.seq);
    nextState = appendFrame(nextState, frame, events);
  }
  return { ...nextState, pending };
}

function appendFrame(state: FrameState, frame: Frame, events: ChatEvent[]): FrameState {
  const { content, reasoning, call, usage } = frame;
  if (reasoning !== "") events.push({ type: "reasoning-delta", text: reasoning });
  if (content !== "") events.push({ type: "text-delta", text: content });
  if (call)
    events.push({
      type: "tool-call-delta",
      index: 0,
      ...(!state.call && { id: callId(state) }),
      ...(call.name !== "" && { name: call.name }),
      arguments: call.arguments,
    });
  return {
    ...state,
    next: frame.seq + 1,
    text: state.text + content,
    reasoning: state.reasoning + reasoning,
    call: joinCalls(state.call, call),
    usage: usage ?? state.usage,
    isComplete: frame.last,
  };
}

/** Spark makes at most one call; its pieces add up. */
function joinCalls(known: FunctionCall | undefined, more: FunctionCall | undefined): FunctionCall | undefined {
  if (!known || !more) return more ?? known;
  return { name: known.name || more.name, arguments: known.arguments + more.arguments };
}

function buildResponse(state: FrameState, { maxTokens }: FrameReducerOptions): ChatResponse {
  const { text, reasoning, call, usage, sid } = state;
  const isTruncated = maxTokens !== undefined && (usage.outputTokens ?? 0) >= maxTokens;
  return {
    text,
    ...(reasoning !== "" && { reasoning }),
    ...(call && { toolCalls: [{ id: callId(state), ...call }] }),
    finishReason: { unified: call ? "tool-calls" : isTruncated ? "length" : "stop" },
    usage,
    ...(sid !== undefined && { requestId: sid }),
  };
}

/** Spark's calls have no id of their own. */
function callId({ sid }: FrameState): string {
  return `call_${sid ?? "spark"}`;
}

function badResponseError({ frames, sid }: FrameState, message: string): ProviderError {
  return new ProviderError(`${message} (after ${frames} frames)`, {
    kind: "bad-response",
    provider: SPARK_NAME,
    ...(sid !== undefined && { requestId: sid }),
  });
}
