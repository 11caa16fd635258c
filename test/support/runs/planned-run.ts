import { existsSync, mkdirSync } from "node:fs";
import { ItemWriter, type NewRunItem } from "#src/producer/storage/item-writer.ts";
import { openRunStore, type RunStoreOptions } from "#src/producer/storage/open-run-store.ts";
import { getRunDatabasePath } from "#src/producer/storage/run-database.ts";
import type { RunStore } from "#src/producer/storage/run-store.ts";

/** Writes the database of a run with these items in `dir`, as planning does. Creates the folder. */
export async function writePlannedRun(dir: string, items: readonly NewRunItem[]): Promise<void> {
  mkdirSync(dir, { recursive: true });
  const writer = await ItemWriter.create(dir);
  for (const item of items) writer.append(item);
  await writer.commit();
}

/** Opens the store of a run in `dir`. A folder without one gets a run of `items` items with the ids "id-0", "id-1". */
export async function openPlannedStore(
  dir: string,
  items: number,
  options: Partial<RunStoreOptions> = {},
): Promise<RunStore> {
  if (!existsSync(getRunDatabasePath(dir))) {
    const planned = Array.from({ length: items }, (_, i) => ({ id: `id-${i}`, text: `text number ${i}`, tokens: 4 }));
    await writePlannedRun(dir, planned);
  }
  return await openRunStore(dir, { items, now: Date.now, ...options });
}
