import type { ProviderError } from "#src/core/failures/errors.ts";
import type { JsonObject } from "#src/providers/json-value.ts";
import type { ChatEvent, ChatResponse, FinishReason, Usage } from "#src/providers/provider.ts";
import type { ResponseHead } from "#src/providers/transport/transport.ts";
import type { ChatDialect } from "./chat-dialect.ts";
import type { MessageText } from "./message-text.ts";
import { THINKING_START, type ThinkingState } from "./split-thinking.ts";
import type { PartialToolCall } from "./tool-call-deltas.ts";

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

/** Before the first frame. */
export const INITIAL_STATE: StreamState = {
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

export const NO_EVENTS: readonly ChatEvent[] = [];

/** What all steps of one stream share. */
export interface StreamContext {
  readonly head: ResponseHead;
  readonly now: number;
  readonly dialect: ChatDialect;
  readonly badResponseError: (message: string) => ProviderError;
}

/** The events that report a piece of the answer. */
export function createTextEvents({ text, reasoning }: MessageText): ChatEvent[] {
  const events: ChatEvent[] = [];
  if (reasoning !== "") events.push({ type: "reasoning-delta", text: reasoning });
  if (text !== "") events.push({ type: "text-delta", text });
  return events;
}

/** The later value of a field replaces the earlier one. */
export function mergeFields(
  fields: ReadonlyMap<string, unknown>,
  added: readonly [string, unknown][],
): ReadonlyMap<string, unknown> {
  if (added.length === 0) return fields;
  const changed = added.filter(([key, value]) => fields.get(key) !== value);
  return changed.length === 0 ? fields : new Map([...fields, ...changed]);
}
