import { ProviderError } from "#src/core/failures/errors.ts";
import type { ChatReducer, ChatStep } from "#src/providers/chat-codec.ts";
import {
  isObject,
  type JsonObject,
  parseObject,
  readCount,
  readField,
  readObject,
  readText,
} from "#src/providers/json-value.ts";
import type { ChatEvent } from "#src/providers/provider.ts";
import type { SseEvent } from "#src/providers/transport/sse.ts";
import type { ResponseHead } from "#src/providers/transport/transport.ts";
import { classifyAnthropicBody, reportsAnthropicError } from "./classify-error.ts";
import { decodeMessage, decodeReasoning } from "./decode-message.ts";
import { ANTHROPIC_NAME } from "./profile.ts";

/** The message as far as it has been received, in the form of a complete one. */
export interface MessageState {
  /** Without its content; undefined before `message_start`. */
  readonly message: JsonObject | undefined;
  readonly blocks: readonly JsonObject[];
  /** Whether the last block is still open. */
  readonly isOpen: boolean;
  readonly isDone: boolean;
}

const INITIAL: MessageState = { message: undefined, blocks: [], isOpen: false, isDone: false };
const NO_EVENTS: readonly ChatEvent[] = [];

/** The reducer of a message's events up to `message_stop`. Unknown events are ignored, as Anthropic asks of clients. */
export function createMessageReducer(head: ResponseHead, now: number): ChatReducer<MessageState, SseEvent> {
  const fail = (message: string): never => {
    throw new ProviderError(message, { kind: "bad-response", provider: ANTHROPIC_NAME, status: head.status });
  };
  return {
    initial: INITIAL,
    reduce(state, { name, data }) {
      const event = parseObject(data);
      if (!event && name !== "error") return fail("an event of the stream is not a JSON object");
      if (!event || name === "error" || reportsAnthropicError(event))
        throw classifyAnthropicBody(event ?? { error: data }, head, now);
      const step = reduceEvent(state, event);
      return typeof step === "string" ? fail(step) : step;
    },
    finish({ message, blocks, isDone }) {
      if (!message || !isDone) return fail("the stream ended without message_stop: the answer is not complete");
      return decodeMessage({ ...message, content: blocks }, head);
    },
  };
}

/** The next state, or what is wrong with the event. */
function reduceEvent(state: MessageState, event: JsonObject): ChatStep<MessageState> | string {
  const type = readField(event, "type");
  if (type === "message_start") return startMessage(state, event);
  const isKnown = typeof type === "string" && Object.hasOwn(STEPS, type);
  const step = isKnown ? STEPS[type] : undefined;
  if (!step) return { state, events: NO_EVENTS };
  return state.message ? step(state, event) : "an event of the stream precedes message_start";
}

const STEPS: Readonly<Record<string, (state: MessageState, event: JsonObject) => ChatStep<MessageState> | string>> = {
  content_block_start: startBlock,
  content_block_delta: addDelta,
  content_block_stop: stopBlock,
  message_delta: updateMessage,
  message_stop: (state) =>
    state.isOpen
      ? "the stream ended inside a block"
      : { state: { ...state, isDone: true }, events: NO_EVENTS, done: true },
};

function startMessage(state: MessageState, event: JsonObject): ChatStep<MessageState> | string {
  const message = readObject(event, "message");
  if (!message || state.message) return "the stream does not begin with one message";
  return { state: { ...state, message: { ...message, content: undefined } }, events: NO_EVENTS };
}

function startBlock(state: MessageState, event: JsonObject): ChatStep<MessageState> | string {
  const block = readObject(event, "content_block");
  if (!block || state.isOpen || readCount(event, "index") !== state.blocks.length)
    return "a block of the stream is not the next one";
  const next = { ...state, blocks: [...state.blocks, block], isOpen: true };
  if (block.type !== "tool_use") return { state: next, events: toTextEvents(block) };
  const call = { type: "tool-call-delta", index: countCalls(next) - 1 } as const;
  return { state: next, events: [{ ...call, id: readText(block, "id"), name: readText(block, "name") }] };
}

function addDelta(state: MessageState, event: JsonObject): ChatStep<MessageState> | string {
  const delta = readObject(event, "delta");
  const block = state.blocks.at(-1);
  if (!delta || !block || !state.isOpen || readCount(event, "index") !== state.blocks.length - 1)
    return "a delta of the stream does not belong to the open block";
  const blocks = [...state.blocks.slice(0, -1), mergeDelta(block, delta)];
  const json = readText(delta, "partial_json");
  if (block.type !== "tool_use") return { state: { ...state, blocks }, events: toTextEvents(delta) };
  const index = countCalls(state) - 1;
  const events: readonly ChatEvent[] =
    json === undefined ? NO_EVENTS : [{ type: "tool-call-delta", index, arguments: json }];
  return { state: { ...state, blocks }, events };
}

/** Texts are appended, citations are collected, and the JSON of a tool's input replaces the empty object of its start. */
function mergeDelta(block: JsonObject, { type: _, partial_json: json, citation, ...fields }: JsonObject): JsonObject {
  const merged: Record<string, unknown> = { ...block };
  for (const [name, value] of Object.entries(fields)) {
    const known = readField(block, name);
    merged[name] = typeof known === "string" && typeof value === "string" ? known + value : value;
  }
  if (citation !== undefined) merged.citations = [...(Array.isArray(block.citations) ? block.citations : []), citation];
  if (typeof json === "string" && json !== "")
    merged.input = (typeof block.input === "string" ? block.input : "") + json;
  return merged;
}

function stopBlock(state: MessageState, event: JsonObject): ChatStep<MessageState> | string {
  const block = state.blocks.at(-1);
  if (!block || !state.isOpen || readCount(event, "index") !== state.blocks.length - 1)
    return "the stream ends a block that is not open";
  const closed = { ...state, isOpen: false };
  // An input that came whole, or an empty one, has not been reported by deltas.
  if (block.type === "tool_use" && typeof block.input !== "string") {
    const text = JSON.stringify(block.input ?? {});
    return { state: closed, events: [{ type: "tool-call-delta", index: countCalls(state) - 1, arguments: text }] };
  }
  if (block.type === "thinking" || block.type === "redacted_thinking") {
    const { thinking: _, ...signed } = block;
    const [details] = decodeReasoning([signed]) ?? [];
    return { state: closed, events: details ? [{ type: "reasoning-details", details }] : NO_EVENTS };
  }
  // The input of a server's tool stays an object, as in a complete message.
  const input = typeof block.input === "string" && block.type !== "tool_use" ? parseObject(block.input) : undefined;
  if (!input) return { state: closed, events: NO_EVENTS };
  return { state: { ...closed, blocks: [...state.blocks.slice(0, -1), { ...block, input }] }, events: NO_EVENTS };
}

/** The counts of the last usage are cumulative; those that it lacks keep their value. */
function updateMessage(state: MessageState, event: JsonObject): ChatStep<MessageState> {
  const { type: _, delta, usage, ...others } = event;
  const known = readObject(state.message, "usage");
  const message = { ...state.message, ...others, ...(isObject(delta) ? delta : {}), usage: mergeUsage(known, usage) };
  return { state: { ...state, message }, events: NO_EVENTS };
}

function mergeUsage(known: JsonObject | undefined, added: unknown): JsonObject | undefined {
  if (!isObject(added)) return known;
  return { ...known, ...Object.fromEntries(Object.entries(added).filter(([, value]) => value !== null)) };
}

function countCalls({ blocks }: MessageState): number {
  return blocks.filter(({ type }) => type === "tool_use").length;
}

function toTextEvents(fields: JsonObject): ChatEvent[] {
  const events: ChatEvent[] = [];
  const [thinking, text] = [readText(fields, "thinking"), readText(fields, "text")];
  if (thinking !== undefined) events.push({ type: "reasoning-delta", text: thinking });
  if (text !== undefined) events.push({ type: "text-delta", text });
  return events;
}
