import { omitUndefined } from "#src/core/omit-undefined.ts";
import { readField, readObject, readText } from "#src/providers/json-value.ts";
import type { ChatEvent, ToolCall } from "#src/providers/provider.ts";
import { readArguments } from "./chat-parts.ts";
import { pickExtraCallFields } from "./extra-fields.ts";

/** The part of a tool call received so far. */
export interface PartialToolCall {
  readonly index: number;
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
  readonly extra: ToolCall["extra"];
}

const NEW_CALL: PartialToolCall = { index: 0, id: "", name: "", arguments: "", extra: undefined };

/** No model makes more parallel calls. */
const MAX_TOOL_CALLS = 128;

/**
 * Adds a delta's pieces to the calls; returns the calls and the events, or a description of what is wrong with the delta.
 * A piece names its call by `index`. A piece without an index belongs to the last call, unless it has another id.
 */
export function addToolCalls(
  calls: readonly PartialToolCall[],
  pieces: unknown,
): { readonly calls: readonly PartialToolCall[]; readonly events: readonly ChatEvent[] } | string {
  if (!Array.isArray(pieces)) return { calls, events: [] };
  let updatedCalls = calls;
  const events: ChatEvent[] = [];
  for (const piece of pieces) {
    const index = findIndex(updatedCalls, piece);
    if (index === undefined) return `the index of a tool call is not an integer below ${MAX_TOOL_CALLS}`;
    const id = readText(piece, "id");
    const name = readText(readObject(piece, "function"), "name");
    const text = readArguments(piece);
    const extra = pickExtraCallFields(piece);
    const known = updatedCalls.find((call) => call.index === index) ?? { ...NEW_CALL, index };
    // Some vendors repeat id and name in every piece.
    const call = {
      index,
      id: known.id || (id ?? ""),
      name: known.name || (name ?? ""),
      arguments: known.arguments + (text ?? ""),
      extra: extra ? { ...known.extra, ...extra } : known.extra,
    };
    updatedCalls = [...updatedCalls.filter((other) => other.index !== index), call];
    events.push({
      type: "tool-call-delta",
      index,
      id: known.id === "" ? id : undefined,
      name: known.name === "" ? name : undefined,
      arguments: text || undefined,
      extra,
    });
  }
  return { calls: updatedCalls, events };
}

/** The calls in the order of their indexes. A call without a name is ignored, unless it has fields of its own. */
export function collectToolCalls(calls: readonly PartialToolCall[]): readonly ToolCall[] {
  return calls
    .toSorted((a, b) => a.index - b.index)
    .filter(({ name, extra }) => name !== "" || extra !== undefined)
    .map(({ id, name, arguments: text, extra }) => omitUndefined({ id, name, arguments: text, extra }));
}

function findIndex(calls: readonly PartialToolCall[], piece: unknown): number | undefined {
  const index = readField(piece, "index");
  if (index === undefined || index === null) {
    const last = calls.at(-1);
    const id = readText(piece, "id");
    const isNew = last === undefined || (id !== undefined && last.id !== "" && id !== last.id);
    return isNew ? Math.max(-1, ...calls.map((call) => call.index)) + 1 : last.index;
  }
  return typeof index === "number" && Number.isInteger(index) && index >= 0 && index < MAX_TOOL_CALLS
    ? index
    : undefined;
}
