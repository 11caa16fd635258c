import type { ChatStep } from "#src/providers/chat-codec.ts";
import { type JsonObject, readField, readText } from "#src/providers/json-value.ts";
import { hasEmptyContent } from "#src/providers/openai-compatible/check-answer.ts";
import type { FinishReason } from "#src/providers/provider.ts";
import type { ChatDialect } from "./chat-dialect.ts";
import { readReasoningField } from "./chat-parts.ts";
import { readMessageFields } from "./merge-message-fields.ts";
import { findMissingText, readMessageText } from "./message-text.ts";
import { ANSWER_STARTED } from "./split-thinking.ts";
import { createTextEvents, mergeFields, NO_EVENTS, type StreamContext, type StreamState } from "./stream-state.ts";
import { addToolCalls } from "./tool-call-deltas.ts";

/**
 * Some gateways send a complete message instead of deltas, or after them. Throws if it differs from the deltas, or if
 * there are several: they may be pieces or repetitions, and a guess could lose text.
 */
export function reduceMessage(state: StreamState, message: JsonObject, context: StreamContext): ChatStep<StreamState> {
  const { dialect, badResponseError } = context;
  if (isBlankMessage(message, dialect)) {
    const blank = {
      ...state,
      messageExtra: replaceFields(state.messageExtra, message, dialect),
      hasEmptyContent: state.hasEmptyContent || hasEmptyContent(message),
    };
    return { state: blank, events: NO_EVENTS };
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
  return {
    state: {
      ...state,
      text: state.text + missing.text,
      reasoning: state.reasoning + missing.reasoning,
      reasoningField: state.reasoningField ?? readReasoningField(message),
      refusal: readText(message, "refusal") ?? state.refusal,
      thinking: ANSWER_STARTED,
      toolCalls: tools.calls,
      messageExtra: replaceFields(state.messageExtra, message, dialect),
      hasEmptyContent: state.hasEmptyContent || hasEmptyContent(message),
      hasMessage: true,
    },
    events: [...createTextEvents(missing), ...tools.events],
  };
}

/** The fields of a complete message replace those of the deltas, unless they are empty. */
function replaceFields(known: StreamState["messageExtra"], message: JsonObject, dialect: ChatDialect) {
  const fields = readMessageFields(message, dialect);
  return mergeFields(
    known,
    fields.filter(([name, value]) => !isEmptyList(value) || !known.has(name)),
  );
}

/** Ends the answer with the complete message, which repeats all deltas; throws when it differs from them. */
export function closeWithMessage(
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

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}
