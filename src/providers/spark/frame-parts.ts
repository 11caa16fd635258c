import { omitUndefined } from "#src/core/omit-undefined.ts";
import { isObject, type JsonObject, readCount, readField, readObject } from "#src/providers/json-value.ts";
import type { Usage } from "#src/providers/provider.ts";

export interface FunctionCall {
  readonly name: string;
  /** JSON text as the model wrote it. */
  readonly arguments: string;
}

interface FramePieces {
  readonly content: string;
  readonly reasoning: string;
  readonly call: FunctionCall | undefined;
  /** Whether any piece has content, be it empty. */
  readonly hasContent: boolean;
  /** All other fields of the pieces. */
  readonly extra: JsonObject;
}

const KNOWN_FIELDS: ReadonlySet<string> = new Set([
  "content",
  "reasoning_content",
  "function_call",
  "role",
  "index",
  "content_type",
  "__proto__",
]);

/** The contents of `payload.choices.text`; undefined unless it is a list of objects with text contents. */
export function readPieces(list: unknown): FramePieces | undefined {
  if (!Array.isArray(list)) return undefined;
  let content = "";
  let reasoning = "";
  let call: FunctionCall | undefined;
  let hasContent = false;
  const extra: Record<string, unknown> = {};
  for (const piece of list) {
    const text = readOptionalText(piece, "content");
    const thought = readOptionalText(piece, "reasoning_content");
    if (!isObject(piece) || text === undefined || thought === undefined) return undefined;
    content += text;
    reasoning += thought;
    call = readCall(readObject(piece, "function_call")) ?? call;
    hasContent ||= typeof piece.content === "string";
    for (const name of Object.keys(piece))
      if (!KNOWN_FIELDS.has(name) && piece[name] !== null) extra[name] = piece[name];
  }
  return { content, reasoning, call, hasContent, extra };
}

function readCall(call: JsonObject | undefined): FunctionCall | undefined {
  const name = readOptionalText(call, "name");
  const text = readOptionalText(call, "arguments");
  return call && name !== undefined && text !== undefined ? { name, arguments: text } : undefined;
}

/** A string; "" for an absent or null field, undefined for any other type. */
function readOptionalText(value: unknown, field: string): string | undefined {
  const found = readField(value, field) ?? "";
  return typeof found === "string" ? found : undefined;
}

/** `prompt_tokens` includes the history. */
export function readSparkUsage(tokens: JsonObject | undefined): Usage | undefined {
  if (!tokens) return undefined;
  return omitUndefined({
    inputTokens: readCount(tokens, "prompt_tokens"),
    outputTokens: readCount(tokens, "completion_tokens"),
    totalTokens: readCount(tokens, "total_tokens"),
  });
}
