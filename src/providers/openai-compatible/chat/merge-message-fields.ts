import { isObject, type JsonObject } from "#src/providers/json-value.ts";
import { pickExtraMessageFields } from "#src/providers/openai-compatible/extra-fields.ts";
import type { ChatDialect } from "./chat-dialect.ts";
import { isTextPart, readContentParts } from "./chat-parts.ts";

/** String fields that deltas send in pieces. In all other objects, the later value replaces the earlier one. */
const JOINED_STRINGS: Readonly<Record<string, ReadonlySet<string>>> = {
  function_call: new Set(["arguments"]),
  audio: new Set(["data", "transcript"]),
  reasoning_details: new Set(["text", "summary", "data", "signature"]),
};

/** Unknown fields, and as `content` the parts of the content that are not text. */
export function readMessageFields(message: JsonObject, dialect: ChatDialect): [string, unknown][] {
  const fields = pickExtraMessageFields(message, dialect.ignoredFields);
  const parts = readContentParts(message)?.filter((part) => typeof part !== "string" && !isTextPart(part));
  if (parts) fields.push(["content", parts]);
  return fields;
}

/**
 * Adds the fields of a delta to those before it: lists are appended (entries of `reasoning_details` are joined by
 * their `index`), pieces of function calls and audio are joined, and any other value replaces the earlier one.
 */
export function mergeMessageFields(
  fields: ReadonlyMap<string, unknown>,
  added: readonly [string, unknown][],
): ReadonlyMap<string, unknown> {
  if (added.length === 0) return fields;
  const merged = new Map(fields);
  for (const [name, value] of added) merged.set(name, mergeValue(name, merged.get(name), value));
  return merged;
}

/** The input of a custom tool call comes in pieces. */
const JOINED_CALL_STRINGS: Readonly<Record<string, ReadonlySet<string>>> = { custom: new Set(["input"]) };

/** Adds the fields of a piece of a tool call to those before it: objects are merged, and the input of custom calls is joined. */
export function mergeCallFields(known: JsonObject | undefined, added: JsonObject | undefined): JsonObject | undefined {
  if (!known || !added) return added ?? known;
  const merged = Object.entries(added).map(([name, value]): [string, unknown] => {
    const before = Object.hasOwn(known, name) ? known[name] : undefined;
    const isMerged = isObject(before) && isObject(value);
    return [name, isMerged ? joinObjects(before, value, joinedStrings(JOINED_CALL_STRINGS, name)) : value];
  });
  return Object.fromEntries([...Object.entries(known), ...merged]);
}

function joinedStrings(table: typeof JOINED_STRINGS, name: string): ReadonlySet<string> | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function mergeValue(name: string, known: unknown, added: unknown): unknown {
  if (Array.isArray(known) && Array.isArray(added))
    return name === "reasoning_details" ? mergeDetails(known, added) : [...known, ...added];
  const joined = joinedStrings(JOINED_STRINGS, name);
  return joined && isObject(known) && isObject(added) ? joinObjects(known, added, joined) : added;
}

function mergeDetails(known: readonly unknown[], added: readonly unknown[]): readonly unknown[] {
  const details = [...known];
  for (const detail of added) {
    const last = details.at(-1);
    const isSame = isObject(detail) && isObject(last) && detail.index !== undefined && detail.index === last.index;
    if (isSame && detail.type === last.type)
      details[details.length - 1] = joinObjects(last, detail, JOINED_STRINGS.reasoning_details);
    else details.push(detail);
  }
  return details;
}

function joinObjects(known: JsonObject, added: JsonObject, joined?: ReadonlySet<string>): JsonObject {
  const result: Record<string, unknown> = { ...known };
  for (const [name, value] of Object.entries(added)) {
    if (name === "__proto__" || value === null || value === undefined || value === "") continue;
    const before = result[name];
    const isJoined = joined?.has(name) && typeof before === "string" && typeof value === "string";
    result[name] = isJoined ? before + value : value;
  }
  return result;
}
