import { isObject, type JsonObject } from "#src/providers/json-value.ts";

/** String fields that deltas send in pieces. In all other objects, the later value replaces the earlier one. */
const JOINED_STRINGS: Readonly<Record<string, ReadonlySet<string>>> = {
  function_call: new Set(["arguments"]),
  audio: new Set(["data", "transcript"]),
  reasoning_details: new Set(["text", "summary", "data", "signature"]),
};

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

function mergeValue(name: string, known: unknown, added: unknown): unknown {
  if (Array.isArray(known) && Array.isArray(added))
    return name === "reasoning_details" ? mergeDetails(known, added) : [...known, ...added];
  const joined = JOINED_STRINGS[name];
  return joined && isObject(known) && isObject(added) ? joinObjects(known, added, joined) : added;
}

function mergeDetails(known: readonly unknown[], added: readonly unknown[]): readonly unknown[] {
  const details = [...known];
  for (const detail of added) {
    const last = details.at(-1);
    const isSame = isObject(detail) && isObject(last) && detail.index !== undefined && detail.index === last.index;
    if (isSame && detail.type === last.type)
      details[details.length - 1] = joinObjects(last, detail, JOINED_STRINGS.reasoning_details ?? new Set());
    else details.push(detail);
  }
  return details;
}

function joinObjects(known: JsonObject, added: JsonObject, joined: ReadonlySet<string>): JsonObject {
  const result: Record<string, unknown> = { ...known };
  for (const [name, value] of Object.entries(added)) {
    if (value === null || value === undefined || value === "") continue;
    const before = result[name];
    const isJoined = joined.has(name) && typeof before === "string" && typeof value === "string";
    result[name] = isJoined ? before + value : value;
  }
  return result;
}
