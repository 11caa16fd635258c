import { stat } from "node:fs/promises";
import { Duplicates, DuplicatesBuilder, readDuplicatesFile } from "./duplicates.ts";
import { readItemsFile } from "./read-items-file.ts";

/**
 * The copies among the items of a spool. Without a list beside it that is whole (an older plan, a damaged file), the
 * spool itself is read through: a copy that nobody knows of would be waited for to no end.
 */
export async function readDuplicates(itemsFile: string, items: number): Promise<Duplicates> {
  const { size } = await stat(itemsFile).catch(() => ({ size: -1 }));
  // A finished run, or one whose plan is gone: whoever needs its items says so.
  if (size < 0) return Duplicates.none;
  const known = await readDuplicatesFile(itemsFile, { items, itemsFileBytes: size });
  if (known) return known;
  const builder = new DuplicatesBuilder();
  for await (const block of readItemsFile(itemsFile)) {
    for (const { index, duplicateOf } of block) if (duplicateOf !== undefined) builder.add(index, duplicateOf);
  }
  return builder.build();
}
