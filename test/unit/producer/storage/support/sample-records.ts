import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Item } from "#src/core/item.ts";
import type { LayoutKind } from "#src/producer/output/vector-layout.ts";
import { ItemWriter, type NewRunItem } from "#src/producer/storage/item-writer.ts";
import { openRunStore, type RunStoreOptions } from "#src/producer/storage/open-run-store.ts";
import { isRunDatabaseFile } from "#src/producer/storage/run-database.ts";
import type { RunStore } from "#src/producer/storage/run-store.ts";
import { sampleRecord } from "./sample-record.ts";

/** A folder of the test's own, removed when it ends. */
export async function temporaryFolder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "sluice-storage-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

export function sampleItem(index: number): Item {
  return {
    index,
    id: `doc-${index}#"é`,
    text: `text of ${index}: 白日依山尽\n"quoted"`,
    tokens: index,
    metadata: { page: index, path: `a/b\\${index}.md` },
  };
}

/** Plans a run with these items in `dir`; a number stands for so many sample items. */
export async function writePlan(dir: string, items: number | readonly Omit<Item, "index">[]): Promise<void> {
  const writer = await ItemWriter.create(dir);
  const all = typeof items === "number" ? Array.from({ length: items }, (_, i) => sampleItem(i)) : items;
  for (const { metadata, ...item } of all) {
    const newItem: NewRunItem = item;
    writer.append(metadata === undefined ? newItem : { ...newItem, metadata: JSON.stringify(metadata) });
  }
  await writer.commit();
}

/** Items whose duplicates are given as pairs of their index and that of their original. */
export function itemsWithDuplicates(count: number, originals: Readonly<Record<number, number>>): Omit<Item, "index">[] {
  return Array.from({ length: count }, (_, i) => {
    const original = originals[i];
    const item = { id: `i${i}`, text: `t${original ?? i}`, tokens: 1 };
    return original === undefined ? item : { ...item, duplicateOf: original };
  });
}

/** Opens the store of a planned embedding run, with `vectors: undefined` that of a chat run. */
export function openStore(dir: string, items: number, options: Partial<RunStoreOptions> = {}): Promise<RunStore> {
  return openRunStore(dir, { items, now: () => 1_800_000_000_000, vectors: { layout: "flat" }, ...options });
}

/** The folder of a run of sample items without records. */
export async function plannedFolder(items: number | readonly Omit<Item, "index">[]): Promise<string> {
  const dir = await temporaryFolder();
  await writePlan(dir, items);
  return dir;
}

/** A planned run in `dir` whose store contains the record of every item, durably. */
export async function fullStore(
  dir: string,
  items: number,
  dimensions: number,
  layout: LayoutKind = "flat",
): Promise<RunStore> {
  await writePlan(dir, items);
  const store = await openStore(dir, items, { vectors: { layout, dimensions } });
  await store.write(Array.from({ length: items }, (_, index) => sampleRecord(index, dimensions)));
  await store.sync();
  return store;
}

/** The entries of a run's folder without its database, sorted. */
export async function listOutput(dir: string): Promise<string[]> {
  return (await readdir(dir)).filter((name) => !isRunDatabaseFile(name)).toSorted();
}
