import type { Item } from "#src/core/item.ts";

/** One line of the items file. The index of an item is the number of its line, from 0. */
export interface PlannedItem {
  readonly id: string;
  readonly text: string;
  readonly tokens: number;
  /** Line of the source file that the item comes from, for messages; absent for chunks of documents. */
  readonly line?: number;
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** See `Item`. */
  readonly duplicateOf?: number;
}

/** `sameAs` is the name of `duplicateOf` in work folders of format 1. */
type StoredItem = PlannedItem & { readonly sameAs?: number };

/**
 * Parses one line. Throws a SyntaxError or TypeError for a line that planning did not write. The checks are by hand,
 * because a schema would double the cost of reading millions of items.
 */
export function parsePlannedItem(line: string): StoredItem {
  const value: StoredItem | null = JSON.parse(line);
  if (typeof value?.id !== "string" || typeof value.text !== "string" || typeof value.tokens !== "number") {
    throw new TypeError("expected an id, a text and tokens");
  }
  return value;
}

/** Parses the line of item `index`; absent properties stay absent. Throws like `parsePlannedItem`. */
export function parseItem(line: string, index: number): Item {
  const { line: _, sameAs, ...item } = parsePlannedItem(line);
  return sameAs === undefined ? { index, ...item } : { index, ...item, duplicateOf: sameAs };
}
