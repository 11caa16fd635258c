import { isObject, type JsonObject } from "#src/providers/json-value.ts";
import type { ChatResponse } from "#src/providers/provider.ts";

const KNOWN_FIELDS = new Set(["id", "object", "created", "model", "choices", "usage", "request_id", "error"]);
const KNOWN_CHOICE_FIELDS = new Set([
  "index",
  "message",
  "messages",
  "delta",
  "text",
  "finish_reason",
  "logprobs",
  "usage",
]);
const KNOWN_MESSAGE_FIELDS = new Set(["role", "content", "reasoning_content", "reasoning", "tool_calls", "refusal"]);
const KNOWN_CALL_FIELDS = new Set(["index", "id", "function"]);

/** The fields of an object that are not `known`. Skips `__proto__`, which would set the prototype when it is copied. */
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

/** Fields of a choice without a counterpart in ChatResponse. */
export function pickExtraChoiceFields(choice: unknown, ignored?: ReadonlySet<string>): [string, unknown][] {
  return isObject(choice) ? pickUnknownFields(choice, KNOWN_CHOICE_FIELDS, ignored) : [];
}

/** Fields of a message or delta without a counterpart in ChatResponse. */
export function pickExtraMessageFields(message: JsonObject, ignored?: ReadonlySet<string>): [string, unknown][] {
  return pickUnknownFields(message, KNOWN_MESSAGE_FIELDS, ignored);
}

/** Fields of a tool call without a counterpart in ToolCall, such as thought signatures; undefined without any. */
export function pickExtraCallFields(call: unknown): JsonObject | undefined {
  if (!isObject(call)) return undefined;
  const found = pickUnknownFields(call, KNOWN_CALL_FIELDS, undefined).filter(
    ([key, value]) => key !== "type" || value !== "function",
  );
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

/** Names with a meaning of their own in `extra`; fields of the body with these names are in `extra.body`. */
const RESERVED = new Set(["message", "choice", "logprobs", "usage", "body"]);

export interface ExtraFields {
  readonly body: Iterable<readonly [string, unknown]>;
  readonly choice: Iterable<readonly [string, unknown]>;
  readonly message: Iterable<readonly [string, unknown]>;
  readonly logprobs: unknown;
  /** The usage as the provider sent it, if it contains more than Usage can represent. */
  readonly usage: JsonObject | undefined;
}

/** All fields without a name of their own in ChatResponse; see `ChatResponse.extra`. Undefined without any. */
export function collectExtra({ body, choice, message, logprobs, usage }: ExtraFields): ChatResponse["extra"] {
  const fields: Record<string, unknown> = {};
  const reserved: Record<string, unknown> = {};
  for (const [name, value] of body) (RESERVED.has(name) ? reserved : fields)[name] = value;
  const parts = { message: Object.fromEntries(message), choice: Object.fromEntries(choice), body: reserved };
  for (const [name, part] of Object.entries(parts)) if (Object.keys(part).length > 0) fields[name] = part;
  if (isObject(logprobs)) fields.logprobs = logprobs;
  if (usage !== undefined) fields.usage = usage;
  return Object.keys(fields).length === 0 ? undefined : fields;
}

const KNOWN_USAGE_FIELDS: Readonly<Record<string, string | undefined>> = {
  prompt_tokens: "",
  completion_tokens: "",
  total_tokens: "",
  prompt_tokens_details: "cached_tokens",
  completion_tokens_details: "reasoning_tokens",
};

/** The usage if it contains more than Usage can represent; undefined otherwise, and for anything but an object. */
export function pickFullUsage(usage: unknown): JsonObject | undefined {
  if (!isObject(usage)) return undefined;
  const isRepresented = Object.entries(usage).every(([name, value]) => {
    if (value === null) return true;
    const detail = Object.hasOwn(KNOWN_USAGE_FIELDS, name) ? KNOWN_USAGE_FIELDS[name] : undefined;
    if (detail === undefined || detail === "") return detail === "";
    return isObject(value) && Object.entries(value).every(([key, count]) => key === detail || count === null);
  });
  return isRepresented ? undefined : usage;
}
