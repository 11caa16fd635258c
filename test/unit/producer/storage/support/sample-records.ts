import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Item } from "#src/core/item.ts";
import { openVectorStore } from "#src/producer/storage/vector-store.ts";
import { sampleRecord } from "./sample-record.ts";

/** A folder of the test's own, removed when it ends. */
export async function temporaryFolder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "sluice-sink-"));
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

/** Items in arrays of uneven sizes, as a reader of lines gives them. */
export async function* sampleItems(count: number, sizes = [1, 5, 3]): AsyncGenerator<readonly Item[]> {
  for (let start = 0, turn = 0; start < count; turn += 1) {
    const size = Math.min(sizes[turn % sizes.length] ?? 1, count - start);
    yield Array.from({ length: size }, (_, i) => sampleItem(start + i));
    start += size;
  }
}

/** A store in `dir` that holds the record of every item, durably. */
export async function fullStore(dir: string, items: number, dimensions: number) {
  const store = await openVectorStore(dir, { items, dimensions });
  await store.write(Array.from({ length: items }, (_, index) => sampleRecord(index, dimensions)));
  await store.sync();
  return store;
}
