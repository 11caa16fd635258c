import { omitUndefined } from "#src/core/omit-undefined.ts";
import { readField, readObject, readText } from "#src/providers/json-value.ts";
import { pickExtraCallFields } from "#src/providers/openai-compatible/extra-fields.ts";
import type { ChatEvent, ToolCall } from "#src/providers/provider.ts";
import { readArguments } from "./chat-parts.ts";
import { mergeCallFields } from "./merge-message-fields.ts";

/** The part of a tool call received so far. */
export interface PartialToolCall {
  /** Position among the calls of the answer. */
  readonly index: number;
  /** The index that the provider sends with the pieces of this call, and possibly of others. */
  readonly sentIndex: number;
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
  readonly extra: ToolCall["extra"];
}

const NEW_CALL: PartialToolCall = { index: 0, sentIndex: 0, id: "", name: "", arguments: "", extra: undefined };

/** No model makes more parallel calls. */
const MAX_TOOL_CALLS = 128;

/**
 * Adds a delta's pieces to the calls; returns the calls and the events, or a description of what is wrong with the delta.
 * A piece names its call by `index`, and a piece without an index belongs to the last call, unless it has another id.
 * Another id under the same index means a new call if the piece names a function, because Gemini and several gateways send
 * `index: 0` with every call. Without a name, it belongs to the call before it, because some servers make up an id for
 * each piece.
 */
export function addToolCalls(
  calls: readonly PartialToolCall[],
  pieces: unknown,
): { readonly calls: readonly PartialToolCall[]; readonly events: readonly ChatEvent[] } | string {
  if (!Array.isArray(pieces)) return { calls, events: [] };
  let updatedCalls = calls;
  const events: ChatEvent[] = [];
  for (const piece of pieces) {
    const sentIndex = readField(piece, "index") ?? undefined;
    if (sentIndex !== undefined && !isCallIndex(sentIndex))
      return `the index of a tool call is not an integer below ${MAX_TOOL_CALLS}`;
    const id = readText(piece, "id");
    const name = readText(readObject(piece, "function"), "name");
    const text = readArguments(piece);
    const extra = pickExtraCallFields(piece);
    const isFirst = name !== undefined || isFirstPiece(extra);
    const known = findCall(updatedCalls, sentIndex, id, isFirst) ?? createCall(updatedCalls, sentIndex);
    const { index } = known;
    if (index >= MAX_TOOL_CALLS) return `the answer has more than ${MAX_TOOL_CALLS} tool calls`;
    // Some vendors repeat id and name in every piece.
    const call = {
      index,
      sentIndex: known.sentIndex,
      id: known.id || (id ?? ""),
      name: known.name || (name ?? ""),
      arguments: known.arguments + (text ?? ""),
      extra: mergeCallFields(known.extra, extra),
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

/**
 * The calls in their order, or a description of what is wrong with them. A call without a name is ignored, unless it has
 * fields of its own; arguments that belong to no call are an error.
 */
export function collectToolCalls(calls: readonly PartialToolCall[]): readonly ToolCall[] | string {
  const isUnnamed = ({ name, extra }: PartialToolCall) => name === "" && extra === undefined;
  if (calls.some((call) => isUnnamed(call) && call.arguments !== "")) return "a tool call has arguments but no name";
  return calls
    .filter((call) => !isUnnamed(call))
    .toSorted((a, b) => a.index - b.index)
    .map(({ id, name, arguments: text, extra }) => omitUndefined({ id, name, arguments: text, extra }));
}

function isCallIndex(index: unknown): index is number {
  return typeof index === "number" && Number.isInteger(index) && index >= 0 && index < MAX_TOOL_CALLS;
}

/** Whether a piece without a function's name begins a call: a later piece of a custom call contains only its input. */
function isFirstPiece(extra: ToolCall["extra"]): boolean {
  const { custom, type: _, ...others } = extra ?? {};
  return readText(custom, "name") !== undefined || Object.keys(others).length > 0;
}

/** The call that a piece belongs to: the one with its id, or else the last one, unless that has another id. */
function findCall(
  calls: readonly PartialToolCall[],
  sentIndex: number | undefined,
  id: string | undefined,
  isFirst: boolean,
): PartialToolCall | undefined {
  const candidates = sentIndex === undefined ? calls : calls.filter((call) => call.sentIndex === sentIndex);
  const last = candidates.at(-1);
  if (id === undefined || last === undefined || last.id === "" || last.id === id) return last;
  if (sentIndex === undefined) return undefined;
  return candidates.find((call) => call.id === id) ?? (isFirst ? undefined : last);
}

/** A call in the position that the provider sends, or the next free one. */
function createCall(calls: readonly PartialToolCall[], sentIndex: number | undefined): PartialToolCall {
  const next = Math.max(-1, ...calls.map((call) => call.index)) + 1;
  const isFree = sentIndex !== undefined && calls.every((call) => call.index !== sentIndex);
  const index = isFree ? sentIndex : next;
  return { ...NEW_CALL, index, sentIndex: sentIndex ?? index };
}
