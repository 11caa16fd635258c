import { stat } from "node:fs/promises";
import { Copies, CopiesBuilder, readCopiesFile } from "./copies.ts";
import { readSpool } from "./read-spool.ts";

/**
 * The copies among the items of a spool. Without a list beside it that is whole (an older plan, a damaged file), the
 * spool itself is read through: a copy that nobody knows of would be waited for to no end.
 */
export async function readCopies(spool: string, items: number): Promise<Copies> {
  const { size } = await stat(spool).catch(() => ({ size: -1 }));
  // A finished run, or one whose plan is gone: whoever needs its items says so.
  if (size < 0) return Copies.none;
  const known = await readCopiesFile(spool, { items, spoolBytes: size });
  if (known) return known;
  const builder = new CopiesBuilder();
  for await (const block of readSpool(spool)) {
    for (const { index, sameAs } of block) if (sameAs !== undefined) builder.add(index, sameAs);
  }
  return builder.build();
}
