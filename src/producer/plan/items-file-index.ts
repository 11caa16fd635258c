/** Items between two remembered offsets of the spool. */
export const INDEX_STRIDE = 1000;

/** Where every `INDEX_STRIDE`th item of a spool starts; belongs to a spool of exactly these bytes. */
export interface ItemsFileIndex {
  readonly version: 1;
  readonly items: number;
  readonly bytes: number;
  readonly offsets: readonly number[];
}

/** "items.jsonl" -> "items.index.json". */
export function getItemsIndexPath(itemsFilePath: string): string {
  return `${itemsFilePath.replace(/\.jsonl$/, "")}.index.json`;
}

/** The index in a file's text, or undefined when it is not one or belongs to a spool of another size. */
export function parseItemsFileIndex(text: string, itemsFileBytes: number): ItemsFileIndex | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isItemsFileIndex(value) && value.bytes === itemsFileBytes ? value : undefined;
}

function isItemsFileIndex(value: unknown): value is ItemsFileIndex {
  if (typeof value !== "object" || value === null) return false;
  const { version, items, bytes, offsets } = value as Partial<ItemsFileIndex>;
  if (version !== 1 || !isCount(items) || !isCount(bytes)) return false;
  return Array.isArray(offsets) && offsets.length === Math.ceil(items / INDEX_STRIDE) && offsets.every(isCount);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
