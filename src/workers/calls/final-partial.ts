import { createHash } from "node:crypto";
import { isObject, readField } from "#src/providers/json-value.ts";
import type { ChatResponse } from "#src/providers/provider.ts";
import type { StreamEpilogue } from "#src/state/items/item-ledger.ts";
import type { PartialKind } from "#src/state/items/partials.ts";
import type { WireRecord } from "#src/state/record-format/record-codec.ts";

/**
 * The last entry of an item's partials, with which a reader verifies that the deltas match the record. `length` is in
 * UTF-16 code units; `sha256` is over the UTF-8 text.
 */
function buildFinalPartial({ json, failure }: WireRecord): string {
  if (failure) return JSON.stringify({ failure });
  const { text, finishReason, usage } = json as ChatResponse;
  const sha256 = createHash("sha256").update(text).digest("hex");
  return JSON.stringify({ finishReason, usage, length: text.length, sha256 });
}

function toDeltas({ json }: WireRecord): [PartialKind, string][] {
  const { reasoning, text, toolCalls = [], extra } = json as ChatResponse;
  const deltas: [PartialKind, string][] = [];
  if (reasoning) deltas.push(["reasoning", reasoning]);
  const details = readField(readField(extra, "message"), "reasoning_details");
  for (const part of Array.isArray(details) ? details.filter(isObject) : []) {
    const { text: _, ...signed } = part;
    deltas.push(["details", JSON.stringify(signed)]);
  }
  if (text) deltas.push(["text", text]);
  for (const [index, call] of toolCalls.entries()) deltas.push(["tools", JSON.stringify({ index, ...call })]);
  return deltas;
}

/** What is appended to an item's partials with its record. */
export const STREAM_EPILOGUE: StreamEpilogue = { final: buildFinalPartial, allDeltas: toDeltas };
