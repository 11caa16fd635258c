import type { Item } from "#src/core/item.ts";

/** One line of the spool. An item's index is the number of its line, from 0. */
export interface PlannedItem {
  readonly id: string;
  readonly text: string;
  readonly tokens: number;
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Line of the source file the item was read from, for messages; absent for chunks of documents. */
  readonly line?: number;
  /** See `Item`. */
  readonly duplicateOf?: number;
}

/** `sameAs` is the name of `duplicateOf` in work folders of format 1. */
type StoredItem = Partial<PlannedItem> & { readonly sameAs?: number };

/** The item of one line; throws a SyntaxError or TypeError for what no planning wrote. */
export function parsePlannedItem(line: string, index: number): Item {
  const { id, text, tokens, metadata, sameAs, duplicateOf = sameAs } = JSON.parse(line) as StoredItem;
  if (typeof id !== "string" || typeof text !== "string" || typeof tokens !== "number") {
    throw new TypeError("expected an id, a text and tokens");
  }
  const item: Item = { index, id, text, tokens };
  const described = metadata === undefined ? item : { ...item, metadata };
  return duplicateOf === undefined ? described : { ...described, duplicateOf };
}
