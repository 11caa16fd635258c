import { stat } from "node:fs/promises";
import { Duplicates, DuplicatesBuilder, readDuplicatesFile } from "./duplicates.ts";
import { readItemsFile } from "./read-items-file.ts";

/**
 * Reads the duplicates of an items file. Without a valid duplicates file (an older plan, a damaged file), it reads the
 * items file itself: the run would wait forever for a duplicate that it does not know.
 */
export async function readDuplicates(itemsFile: string, items: number): Promise<Duplicates> {
  const { size } = await stat(itemsFile).catch(() => ({ size: -1 }));
  // The run is finished or its plan is missing; reading the items reports that.
  if (size < 0) return Duplicates.none;
  const known = await readDuplicatesFile(itemsFile, { items, itemsFileBytes: size });
  if (known) return known;
  const builder = new DuplicatesBuilder();
  for await (const block of readItemsFile(itemsFile)) {
    for (const { index, duplicateOf } of block) if (duplicateOf !== undefined) builder.add(index, duplicateOf);
  }
  return builder.build();
}
