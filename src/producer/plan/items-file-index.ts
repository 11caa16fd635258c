import { z } from "zod";

/** Items between two offsets of the index. */
export const INDEX_STRIDE = 1000;

const count = z.int().nonnegative();

/** The offset of every `INDEX_STRIDE`th item of an items file with exactly this number of bytes. */
const itemsFileIndex = z
  .object({ version: z.literal(1), items: count, bytes: count, offsets: z.array(count) })
  .refine(({ items, offsets }) => offsets.length === Math.ceil(items / INDEX_STRIDE));

export type ItemsFileIndex = z.infer<typeof itemsFileIndex>;

/** "items.jsonl" -> "items.index.json". */
export function getItemsIndexPath(itemsFilePath: string): string {
  return `${itemsFilePath.replace(/\.jsonl$/, "")}.index.json`;
}

/** Parses an index; returns undefined when it is invalid or belongs to an items file of another size. */
export function parseItemsFileIndex(text: string, itemsFileBytes: number): ItemsFileIndex | undefined {
  try {
    const index = itemsFileIndex.safeParse(JSON.parse(text)).data;
    return index?.bytes === itemsFileBytes ? index : undefined;
  } catch {
    return undefined;
  }
}
