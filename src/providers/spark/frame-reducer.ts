import { ProviderError } from "#src/core/failures/errors.ts";
import type { ChatReducer, ChatStep } from "#src/providers/chat-codec.ts";
import { type JsonObject, parseObject, readField, readObject } from "#src/providers/json-value.ts";
import { findMissingAnswer } from "#src/providers/openai-compatible/check-answer.ts";
import { collectExtra, pickFullUsage } from "#src/providers/openai-compatible/extra-fields.ts";
import type { ChatEvent, ChatResponse, Usage } from "#src/providers/provider.ts";
import { readProviderText } from "#src/providers/response-body.ts";
import { createSparkCodeError, readCode, readSid } from "./classify-error.ts";
import { type FunctionCall, readPieces, readSparkUsage } from "./frame-parts.ts";
import { SPARK_NAME } from "./profile.ts";

/** The most frames that may wait for an earlier one. A connection preserves order, so more indicates a broken upstream. */
const MAX_PENDING = 1024;

interface Frame {
  readonly seq: number;
  readonly last: boolean;
  readonly content: string;
  readonly reasoning: string;
  readonly call: FunctionCall | undefined;
  readonly hasContent: boolean;
  /** Fields of the pieces and of the payload without a counterpart in ChatResponse. */
  readonly extra: JsonObject;
  readonly payload: JsonObject;
  readonly usage: Usage | undefined;
  readonly fullUsage: JsonObject | undefined;
}

/** The answer received so far, and the frames that arrived out of order. */
interface FrameState {
  readonly frames: number;
  readonly next: number;
  readonly lastSeq: number | undefined;
  readonly highestSeq: number;
  readonly pending: ReadonlyMap<number, Frame>;
  readonly text: string;
  readonly reasoning: string;
  readonly call: FunctionCall | undefined;
  readonly hasContent: boolean;
  readonly extra: JsonObject;
  readonly payload: JsonObject;
  readonly usage: Usage;
  readonly fullUsage: JsonObject | undefined;
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
  hasContent: false,
  extra: {},
  payload: {},
  usage: {},
  fullUsage: undefined,
  sid: undefined,
  isComplete: false,
};

interface FrameReducerOptions {
  /** The requested limit: an answer that used it up was truncated, which Spark does not report. */
  readonly maxTokens?: number | undefined;
}

/**
 * Combines WebSocket frames into one answer, in the order of `seq`: early frames wait, repeated frames are dropped. The
 * answer is complete with the frame of `header.code` 0 and `header.status` 2 (its text included), once all frames before it
 * have arrived. Later frames are ignored.
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
      if (state.isComplete) {
        const response = buildResponse(state, options);
        const missingAnswer = findMissingAnswer(response, state.hasContent);
        if (missingAnswer !== undefined) throw badResponseError(state, missingAnswer);
        return response;
      }
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
  if (code !== 0) throw createSparkCodeError(code, { ...readProviderText(body), requestId: sid });
  const payload = readObject(body, "payload");
  const choices = readObject(payload, "choices");
  if (!choices) throw badResponseError(state, "a frame reports success but contains no choices");
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
  if (!pieces) throw badResponseError(state, "the text of a frame is not a list of contents");
  const tokens = readObject(readObject(payload, "usage"), "text");
  const { choices: _, usage: __, ...others } = payload ?? {};
  return { ...pieces, payload: others, usage: readSparkUsage(tokens), fullUsage: pickFullUsage(tokens) };
}

/** Updates the known range of `seq`; throws for frames that contradict each other. */
function trackSequence(state: FrameState, { seq, last }: Frame): FrameState {
  const { lastSeq, highestSeq } = state;
  if ((lastSeq !== undefined && (last || seq > lastSeq)) || (last && seq < highestSeq))
    throw badResponseError(state, "a frame follows the last one");
  return { ...state, lastSeq: last ? seq : lastSeq, highestSeq: Math.max(highestSeq, seq) };
}

/** Appends the frame and the frames that waited for it, or holds it until its turn. */
function applyFrame(state: FrameState, frame: Frame): ChatStep<FrameState> {
  if (frame.seq !== state.next) return holdFrame(state, frame);
  const events: ChatEvent[] = [];
  let nextState = appendFrame(state, frame, events);
  // Frames nearly always arrive in order, and then none is waiting.
  if (state.pending.size > 0) nextState = addPending(nextState, events);
  return { state: nextState, events, done: nextState.isComplete };
}

function holdFrame(state: FrameState, frame: Frame): ChatStep<FrameState> {
  if (state.pending.size >= MAX_PENDING)
    throw badResponseError(state, `frame ${state.next} is missing, but ${MAX_PENDING} later frames have arrived`);
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
      id: state.call ? undefined : createCallId(state),
      name: call.name || undefined,
      arguments: call.arguments,
    });
  return {
    ...state,
    next: frame.seq + 1,
    text: state.text + content,
    reasoning: state.reasoning + reasoning,
    call: joinCalls(state.call, call),
    hasContent: state.hasContent || frame.hasContent,
    extra: mergeObjects(state.extra, frame.extra),
    payload: mergeObjects(state.payload, frame.payload),
    usage: usage ?? state.usage,
    fullUsage: frame.fullUsage ?? state.fullUsage,
    isComplete: frame.last,
  };
}

/** The later value of a field replaces the earlier one. Nearly all frames add none. */
function mergeObjects(known: JsonObject, added: JsonObject): JsonObject {
  for (const _ in added) return { ...known, ...added };
  return known;
}

/** An answer contains at most one call, whose pieces are concatenated. */
function joinCalls(known: FunctionCall | undefined, added: FunctionCall | undefined): FunctionCall | undefined {
  if (!known || !added) return added ?? known;
  return { name: known.name || added.name, arguments: known.arguments + added.arguments };
}

function buildResponse(state: FrameState, { maxTokens }: FrameReducerOptions): ChatResponse {
  const { text, reasoning, call, usage, sid } = state;
  const isTruncated = maxTokens !== undefined && (usage.outputTokens ?? 0) >= maxTokens;
  return {
    text,
    reasoning: reasoning || undefined,
    toolCalls: call && [{ id: createCallId(state), ...call }],
    finishReason: { unified: call ? "tool-calls" : isTruncated ? "length" : "stop" },
    usage,
    requestId: sid,
    extra: collectExtra({
      body: Object.entries(state.payload),
      choice: [],
      message: Object.entries(state.extra),
      logprobs: undefined,
      usage: state.fullUsage,
    }),
  };
}

/** Spark does not send ids of calls. */
function createCallId({ sid }: FrameState): string {
  return `call_${sid ?? "spark"}`;
}

function badResponseError({ frames, sid }: FrameState, message: string): ProviderError {
  return new ProviderError(`${message} (after ${frames} frames)`, {
    kind: "bad-response",
    provider: SPARK_NAME,
    requestId: sid,
  });
}
