import { omitUndefined } from "#src/core/omit-undefined.ts";
import { isObject, readCount, readField, readObject, readText } from "#src/providers/json-value.ts";
import { pickExtraCallFields } from "#src/providers/openai-compatible/extra-fields.ts";
import type { FinishReason, ToolCall, Usage } from "#src/providers/provider.ts";

const FINISH_REASONS: Readonly<Record<string, FinishReason["unified"]>> = {
  stop: "stop",
  eos: "stop",
  end_turn: "stop",
  stop_sequence: "stop",
  length: "length",
  max_tokens: "length",
  max_output: "length",
  model_context_window_exceeded: "length",
  tool_calls: "tool-calls",
  function_call: "tool-calls",
  content_filter: "content-filter",
};

/** The finish reason; undefined while there is none (some vendors send "null" or an empty string). */
export function readFinishReason(choice: unknown): FinishReason | undefined {
  const raw = readText(choice, "finish_reason");
  if (raw === undefined || raw === "null") return undefined;
  return { unified: Object.hasOwn(FINISH_REASONS, raw) ? (FINISH_REASONS[raw] ?? "other") : "other", raw };
}

/**
 * The content as text; for a list of parts, their joined text. Undefined for a value of any other form.
 */
export function readContent(message: unknown): string | undefined {
  const content = readField(message, "content");
  if (typeof content === "string") return content;
  if (content === undefined || content === null) return "";
  if (!Array.isArray(content)) return undefined;
  return content.map((part) => (typeof part === "string" ? part : isTextPart(part) ? part.text : "")).join("");
}

/** The parts of the content, if any of them is not text: then the text alone would be incomplete. */
export function readContentParts(message: unknown): readonly unknown[] | undefined {
  const content = readField(message, "content");
  if (!Array.isArray(content)) return undefined;
  return content.every((part) => typeof part === "string" || isTextPart(part)) ? undefined : content;
}

export function isTextPart(part: unknown): part is { readonly text: string } {
  return isObject(part) && (part.type === "text" || part.type === undefined) && typeof part.text === "string";
}

/** Reasoning under any of its names. A vendor that sends two of them sends the same text twice, so the first counts. */
export function readReasoning(message: unknown): string | undefined {
  const named = readText(message, "reasoning_content") ?? readText(message, "reasoning");
  if (named !== undefined) return named;
  const details = readField(message, "reasoning_details");
  if (!Array.isArray(details)) return undefined;
  const text = details.map((one) => readText(one, "text") ?? readText(one, "summary") ?? "").join("");
  return text === "" ? undefined : text;
}

/** The name of the reasoning, where it is not `reasoning_content`; its clients look for it under that name. */
export function readReasoningField(message: unknown): "reasoning" | undefined {
  return readText(message, "reasoning") === undefined ? undefined : "reasoning";
}

/** Usage under any of its names; undefined when no count is valid or all are zero. */
export function readUsage(usage: unknown): Usage | undefined {
  // Most frames have none.
  if (!isObject(usage)) return undefined;
  const input = readObject(usage, "prompt_tokens_details");
  const found = {
    inputTokens: readCount(usage, "prompt_tokens"),
    outputTokens: readCount(usage, "completion_tokens"),
    totalTokens: readCount(usage, "total_tokens"),
    cachedTokens:
      readCount(input, "cached_tokens") ??
      readCount(usage, "prompt_cache_hit_tokens") ??
      readCount(usage, "cached_tokens"),
    cacheWriteTokens:
      readCount(input, "cache_write_tokens") ??
      readCount(input, "cache_creation_input_tokens") ??
      readCount(usage, "cache_creation_input_tokens"),
    reasoningTokens: readCount(readObject(usage, "completion_tokens_details"), "reasoning_tokens"),
  };
  // Some vendors send zeros in every frame before the last one.
  return Object.values(found).some((count) => count !== undefined && count > 0) ? omitUndefined(found) : undefined;
}

/** The tool calls of a complete message. Calls without a name are ignored, unless they have fields of their own. */
export function readToolCalls(message: unknown): readonly ToolCall[] {
  const calls = readField(message, "tool_calls");
  if (!Array.isArray(calls)) return [];
  return calls.flatMap((call) => {
    const name = readText(readObject(call, "function"), "name");
    const extra = pickExtraCallFields(call);
    if (name === undefined && extra === undefined) return [];
    const fields = { id: readText(call, "id") ?? "", name: name ?? "", arguments: readArguments(call) ?? "" };
    return [extra ? { ...fields, extra } : fields];
  });
}

/** Arguments as JSON text; some vendors send them as an object. */
export function readArguments(call: unknown): string | undefined {
  const value = readField(readField(call, "function"), "arguments");
  if (isObject(value)) return JSON.stringify(value);
  return typeof value === "string" ? value : undefined;
}
