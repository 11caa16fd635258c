import { omitUndefined } from "#src/core/omit-undefined.ts";
import { isObject, type JsonObject, readCount, readField, readObject, readText } from "#src/providers/json-value.ts";
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

/** The content as text; for a list of parts, their joined text. */
export function readContent(message: unknown): string {
  const content = readField(message, "content");
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part) => readText(part, "text") ?? "").join("");
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

/** Usage under any of its names; undefined when no count is valid or all are zero. */
export function readUsage(usage: unknown): Usage | undefined {
  // Most frames have none.
  if (!isObject(usage)) return undefined;
  const found = {
    inputTokens: readCount(usage, "prompt_tokens"),
    outputTokens: readCount(usage, "completion_tokens"),
    totalTokens: readCount(usage, "total_tokens"),
    cachedTokens:
      readCount(readObject(usage, "prompt_tokens_details"), "cached_tokens") ??
      readCount(usage, "prompt_cache_hit_tokens") ??
      readCount(usage, "cached_tokens"),
    reasoningTokens: readCount(readObject(usage, "completion_tokens_details"), "reasoning_tokens"),
  };
  // Some vendors send zeros in every frame before the last one.
  return Object.values(found).some((count) => count !== undefined && count > 0) ? omitUndefined(found) : undefined;
}

/** The tool calls of a complete message. Calls without a name are ignored. */
export function readToolCalls(message: unknown): readonly ToolCall[] {
  const calls = readField(message, "tool_calls");
  if (!Array.isArray(calls)) return [];
  return calls.flatMap((call) => {
    const name = readText(readObject(call, "function"), "name");
    if (name === undefined) return [];
    return [{ id: readText(call, "id") ?? "", name, arguments: readArguments(call) ?? "" }];
  });
}

/** Arguments as JSON text; some vendors send them as an object. */
export function readArguments(call: unknown): string | undefined {
  const value = readField(readField(call, "function"), "arguments");
  if (isObject(value)) return JSON.stringify(value);
  return typeof value === "string" ? value : undefined;
}

const KNOWN_FIELDS = new Set(["id", "object", "created", "model", "choices", "usage", "request_id", "error"]);
const KNOWN_MESSAGE_FIELDS = new Set([
  "role",
  "content",
  "reasoning_content",
  "reasoning",
  "reasoning_details",
  "tool_calls",
  "function_call",
]);

/** Skips `__proto__`, which would set the prototype when the fields are copied by assignment. */
function pickUnknownFields(
  fields: JsonObject,
  known: ReadonlySet<string>,
  ignored: ReadonlySet<string> | undefined,
): [string, unknown][] {
  const found: [string, unknown][] = [];
  for (const key of Object.keys(fields)) {
    if (known.has(key) || key === "__proto__" || ignored?.has(key)) continue;
    const value = fields[key];
    if (value !== null && value !== undefined) found.push([key, value]);
  }
  return found;
}

/** Top-level fields without a counterpart in ChatResponse. */
export function pickExtraFields(body: JsonObject, ignored?: ReadonlySet<string>): [string, unknown][] {
  return pickUnknownFields(body, KNOWN_FIELDS, ignored);
}

/** Fields of a message or delta without a counterpart in ChatResponse. */
export function pickExtraMessageFields(message: JsonObject, ignored?: ReadonlySet<string>): [string, unknown][] {
  return pickUnknownFields(message, KNOWN_MESSAGE_FIELDS, ignored);
}
