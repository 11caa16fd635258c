import { isObject, type JsonObject, readField } from "#src/providers/json-value.ts";
import type { ChatResponse } from "#src/providers/provider.ts";

/** Fields of a message that are an answer even without text. */
const ANSWER_FIELDS = ["content", "function_call", "audio", "images", "reasoning_details"];

/**
 * Why a response that reports success is none: it contains nothing, and the provider does not say that the answer is
 * empty. An answer without text is accepted if its `content` was explicitly empty (`hasEmptyContent`), or if a limit
 * or filter ended it before its first word. Undefined for an acceptable answer.
 */
export function findMissingAnswer(response: ChatResponse, hasEmptyContent: boolean): string | undefined {
  const { text, reasoning, toolCalls, refusal, finishReason, extra } = response;
  if (text !== "" || reasoning || toolCalls || refusal) return undefined;
  const message = readField(extra, "message");
  if (isObject(message) && ANSWER_FIELDS.some((name) => Object.hasOwn(message, name))) return undefined;
  const { unified } = finishReason;
  if (unified === "length" || unified === "content-filter") return undefined;
  if (unified === "tool-calls") return "the answer announces a tool call but contains none";
  return hasEmptyContent ? undefined : "the answer contains no content";
}

/** Whether the content of a message or delta is an empty text, as opposed to missing or null. */
export function hasEmptyContent(message: JsonObject): boolean {
  return message.content === "";
}
