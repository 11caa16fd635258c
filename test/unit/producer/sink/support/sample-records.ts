import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Item } from "../../../../../src/core/item.ts";
import type { ItemRecord } from "../../../../../src/producer/sink/item-record.ts";
import { openRecordStore } from "../../../../../src/producer/sink/record-store.ts";

/** A folder of the test's own, removed when it ends. */
export async function temporaryFolder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "sluice-sink-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** The vector of item `index`; `version` tells a late duplicate from the first. */
export function sampleVector(index: number, dimensions: number, version = 0): Float32Array {
  return Float32Array.from({ length: dimensions }, (_, i) => Math.sin(index * 31 + i * 7 + version * 1_000));
}

/** Every seventh item fails, like `item 3`. */
export const failsAt = (index: number) => index % 7 === 3;

export function sampleRecord(index: number, dimensions: number, version = 0): ItemRecord {
  const common = { index, attempts: (index % 5) + 1, tokens: index * 2 };
  if (failsAt(index)) {
    return {
      ...common,
      failure: { kind: "too-long", message: `too long: 长 ${version}`, code: `1${index}` },
    };
  }
  return { ...common, vector: Buffer.from(sampleVector(index, dimensions, version).buffer) };
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
  const store = await openRecordStore(dir, { items, dimensions });
  await store.write(Array.from({ length: items }, (_, index) => sampleRecord(index, dimensions)));
  await store.sync();
  return store;
}
