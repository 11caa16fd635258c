import { isObject, type JsonObject, readField } from "#src/providers/json-value.ts";
import type { ChatResponse, FinishReason, ToolCall } from "#src/providers/provider.ts";

const STOP_REASONS: Readonly<Record<FinishReason["unified"], string>> = {
  stop: "end_turn",
  length: "max_tokens",
  "tool-calls": "tool_use",
  "content-filter": "refusal",
  other: "end_turn",
};
/** Reasons that Anthropic itself has, which are more precise than the common ones. */
const OWN_REASONS = new Set([...Object.values(STOP_REASONS), "stop_sequence", "pause_turn"]);

/** An answer as a message in Anthropic's format. */
export function writeAnthropicMessage(
  response: ChatResponse,
  { id, model }: { readonly id: string; readonly model: string },
) {
  return {
    id,
    type: "message",
    role: "assistant",
    model: response.model ?? model,
    content: writeContent(response),
    ...writeStop(response),
    usage: writeUsage(response),
  };
}

export function writeStop({ finishReason, extra }: ChatResponse) {
  const { raw = "", unified } = finishReason;
  const sequence = readField(readField(extra, "choice"), "stop_sequence");
  return {
    stop_reason: OWN_REASONS.has(raw) ? raw : STOP_REASONS[unified],
    stop_sequence: typeof sequence === "string" ? sequence : null,
  };
}

/** `input_tokens` of this format does not contain the tokens of the cache. */
export function writeUsage({ usage }: ChatResponse) {
  const { inputTokens = 0, outputTokens = 0, cachedTokens = 0, cacheWriteTokens = 0 } = usage;
  return {
    input_tokens: Math.max(0, inputTokens - cachedTokens - cacheWriteTokens),
    output_tokens: outputTokens,
    cache_read_input_tokens: cachedTokens,
    cache_creation_input_tokens: cacheWriteTokens,
  };
}

function writeContent(response: ChatResponse): JsonObject[] {
  const { text, refusal, toolCalls = [] } = response;
  const kept = readField(readField(response.extra, "message"), "content");
  const visible = text || refusal || "";
  const texts = visible === "" ? [] : [{ type: "text", text: visible }];
  return [
    ...writeThinking(response),
    ...(Array.isArray(kept) ? kept.filter(isObject) : texts),
    ...toolCalls.map(writeToolUse),
  ];
}

/** Thinking with its signatures, where the provider signs it; otherwise its text. */
export function writeThinking({ reasoning, extra }: ChatResponse): JsonObject[] {
  const details = readField(readField(extra, "message"), "reasoning_details");
  const blocks = (Array.isArray(details) ? details.filter(isObject) : []).flatMap(toThinkingBlock);
  if (blocks.length > 0) return blocks;
  return reasoning ? [{ type: "thinking", thinking: reasoning, signature: "" }] : [];
}

function toThinkingBlock({ type, text, signature, data }: JsonObject): JsonObject[] {
  if (type === "reasoning.encrypted") return [{ type: "redacted_thinking", data }];
  if (type !== "reasoning.text") return [];
  return [{ type: "thinking", thinking: text ?? "", signature: signature ?? "" }];
}

function writeToolUse({ id, name, arguments: text, extra }: ToolCall): JsonObject {
  return { ...extra, type: "tool_use", id, name, input: parseInput(text) };
}

/** A model may write arguments that are not JSON; clients of this format expect an object. */
function parseInput(text: string): JsonObject {
  try {
    const input: unknown = JSON.parse(text);
    return isObject(input) ? input : { value: input };
  } catch {
    return text === "" ? {} : { invalid_json: text };
  }
}
