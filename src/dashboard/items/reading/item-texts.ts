import type { ItemAnswer } from "#src/dashboard/items/item-answer.ts";
import type { MaskedText, RevealedItem } from "#src/dashboard/items/item-api.ts";
import { ABSENT_TEXTS } from "#src/dashboard/messages.ts";
import type { StoredItem } from "./stored-item.ts";

const MAX_CHARACTERS = 256 * 1024;
const MAX_FLOATS = 32;

/** The texts of an item, truncated to 256 KiB each. Pure. */
export function revealItem(item: StoredItem, answer: ItemAnswer | undefined): RevealedItem {
  const response = answer?.text ?? (answer?.vector ? formatVector(answer.vector) : undefined);
  return {
    request: item.text === undefined ? undefined : truncate(prettify(item.text)),
    response: response === undefined ? undefined : truncate(response),
  };
}

/** The length of an item's request, or why there is none. Pure. */
export function maskRequest({ text }: StoredItem): MaskedText {
  return text === undefined ? ABSENT_TEXTS.request : { characters: text.length };
}

/** The length of an item's answer, or why there is none. Pure. */
export function maskAnswer({ status }: StoredItem, answer: ItemAnswer | undefined): MaskedText {
  if (status !== "succeeded") return ABSENT_TEXTS[status];
  if (answer?.vector) return { characters: formatVector(answer.vector).length };
  return answer?.text === undefined ? ABSENT_TEXTS.vector : { characters: answer.text.length };
}

function truncate(text: string): { readonly text: string; readonly cut?: number } {
  if (text.length <= MAX_CHARACTERS) return { text };
  return { text: text.slice(0, MAX_CHARACTERS), cut: text.length - MAX_CHARACTERS };
}

/** Requests are stored as JSON on one line; shows them indented. */
function prettify(text: string): string {
  if (!text.startsWith("{")) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function formatVector(vector: Float32Array): string {
  const shown = Array.from(vector.subarray(0, MAX_FLOATS), (value) => value.toPrecision(6));
  return `[${shown.join(", ")}${vector.length > MAX_FLOATS ? ", ..." : ""}] (${vector.length} floats)`;
}
