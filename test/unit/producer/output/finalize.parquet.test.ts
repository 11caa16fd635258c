import { readFile, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { describe, expect, test } from "vitest";
import { type FinalizeOptions, finalize, requireVectors } from "#src/producer/output/finalize.ts";
import type { RunStore } from "#src/producer/storage/run-store.ts";
import type { WireRecord } from "#src/state/record-format/record-codec.ts";
import { sampleRecord, sampleVector } from "#test/unit/producer/storage/support/sample-record.ts";
import {
  openStore,
  plannedFolder,
  sampleItem,
  temporaryFolder,
  writePlan,
} from "#test/unit/producer/storage/support/sample-records.ts";

const about = { run: "r-1", model: "minimax/embo-01" };
const parquet: FinalizeOptions = { format: "parquet", withText: true, ...about };

const good = (index: number, dimensions: number): WireRecord => ({
  index,
  attempts: 1,
  tokens: index * 2,
  vector: Buffer.from(sampleVector(index, dimensions).buffer),
});

/** A store laid out for Parquet with a vector for every item, written in an order of its own. */
async function pagedStore(dir: string, items: number, dimensions: number): Promise<RunStore> {
  await writePlan(dir, items);
  const store = await openStore(dir, items, { vectors: { dimensions, layout: "pages" } });
  const odd = Array.from({ length: items }, (_, i) => good((i * 7 + 3) % items, dimensions));
  const all = new Map([...odd, ...odd.map((_, i) => good(i, dimensions))].map((r) => [r.index, r]));
  await store.write([...all.values()]);
  await store.sync();
  return store;
}

async function readParquet(dir: string) {
  const file = await asyncBufferFromFile(join(dir, "records.parquet"));
  const metadata = await parquetMetadataAsync(file);
  return { metadata, rows: await parquetReadObjects({ file, metadata }) };
}

function expectRows(rows: readonly Record<string, unknown>[], items: number, dimensions: number): void {
  expect(rows).toHaveLength(items);
  for (const [index, { vector, ...row }] of rows.entries()) {
    const { id, text, metadata } = sampleItem(index);
    expect(row).toEqual({ id, index, status: "ok", tokens: index * 2, attempts: 1, text, metadata });
    const bytes = Buffer.from(Float32Array.from(vector as number[]).buffer);
    if (!bytes.equals(Buffer.from(sampleVector(index, dimensions).buffer)))
      throw new Error(`vector of item ${index} differs`);
  }
}

describe("a file of vectors that becomes records.parquet in its place", () => {
  test.each([
    ["one page that is not full", 5, 3],
    ["pages of which the last is not full", 1_900, 600],
    ["whole pages only", 1_748, 600],
    ["vectors of a single float, in several groups of rows", 9_001, 1],
    ["one item", 1, 1536],
  ])("reads back through a general reader: %s", async (_, items, dimensions) => {
    const dir = await temporaryFolder();
    const store = await pagedStore(dir, items, dimensions);
    const { ino } = await stat(join(dir, ".work/vectors.f32"));
    const { files } = await finalize(store, dir, parquet);
    await store.close();
    expect(files).toEqual(["records.parquet"]);
    expect((await stat(join(dir, "records.parquet"))).ino).toBe(ino);
    const { metadata, rows } = await readParquet(dir);
    expectRows(rows, items, dimensions);
    expect(metadata.row_groups.every(({ num_rows }) => num_rows <= 4_000n)).toBe(true);
    expect(metadata.row_groups[0]?.columns[3]?.meta_data?.path_in_schema[0]).toBe("vector");
  });

  test("has pages that follow one another, as its metadata says", async () => {
    const dir = await temporaryFolder();
    const store = await pagedStore(dir, 2_000, 600);
    await finalize(store, dir, parquet);
    await store.close();
    const { metadata } = await readParquet(dir);
    for (const { columns } of metadata.row_groups) {
      const { data_page_offset = 0n, total_compressed_size = 0n, num_values } = columns[3]?.meta_data ?? {};
      expect(Number(num_values) % 600).toBe(0);
      expect(Number(data_page_offset + total_compressed_size)).toBeLessThan(
        (await stat(join(dir, "records.parquet"))).size,
      );
    }
  });

  test("is the same after being written again over what an interrupted writing left", async () => {
    const dir = await temporaryFolder();
    const store = await pagedStore(dir, 2_000, 600);
    const onProgress = ({ written }: { readonly written: number }) => {
      if (written > 1_000) throw new Error("killed");
    };
    await expect(finalize(store, dir, { ...parquet, onProgress })).rejects.toThrow("killed");
    await store.close();
    const again = await openStore(dir, 2_000);
    expect(again.counts().missing).toBe(0);
    await finalize(again, dir, parquet);
    await again.close();
    expectRows((await readParquet(dir)).rows, 2_000, 600);
  });

  test("does not disturb readers while it is written a second time", async () => {
    const dir = await temporaryFolder();
    const store = await pagedStore(dir, 900, 600);
    await finalize(store, dir, parquet);
    const before = await readFile(join(dir, "records.parquet"));
    const during: boolean[] = [];
    const onProgress = async () => {
      during.push((await readFile(join(dir, "records.parquet"))).equals(before));
    };
    const pending: Promise<void>[] = [];
    await finalize(store, dir, {
      ...parquet,
      onProgress: () => void pending.push(onProgress()),
    });
    await Promise.all(pending);
    await store.close();
    expect(during.length).toBeGreaterThan(0);
    expect(during).toEqual(during.map(() => true));
  });

  test("gets back what a disk lost of the beginnings of its pages", async () => {
    const dir = await temporaryFolder();
    const store = await pagedStore(dir, 900, 600);
    await requireVectors(store).file.write([new Uint8Array(40)], 128);
    await finalize(store, dir, parquet);
    await store.close();
    expectRows((await readParquet(dir)).rows, 900, 600);
  });

  test("takes a vector of an earlier process that changed on disk for missing, so that it is embedded again", async () => {
    const dir = await temporaryFolder();
    const before = await pagedStore(dir, 9, 4);
    await requireVectors(before).file.write([Buffer.from([1, 2, 3])], requireVectors(before).layout.position(5));
    await before.close();
    const store = await openStore(dir, 9);
    await expect(finalize(store, dir, parquet)).rejects.toThrow("differs from what was written");
    await store.close();
    const again = await openStore(dir, 9);
    expect([...again.missing()]).toEqual([{ start: 5, end: 6 }]);
    await again.close();
  });

  test("returns only complete records after its file was truncated", async () => {
    const dir = await temporaryFolder();
    const store = await pagedStore(dir, 1_000, 600);
    const cut = requireVectors(store).layout.position(900);
    await store.close();
    await truncate(join(dir, ".work/vectors.f32"), cut - 1);
    const again = await openStore(dir, 1_000);
    expect([...again.missing()]).toEqual([{ start: 899, end: 1_000 }]);
    expect(again.dimensions).toBe(600);
    await again.write(Array.from({ length: 101 }, (_, i) => good(899 + i, 600)));
    await again.sync();
    await finalize(again, dir, parquet);
    await again.close();
    expectRows((await readParquet(dir)).rows, 1_000, 600);
  });

  test("is copied into another file when an item failed, and keeps its own for a retry", async () => {
    const dir = await plannedFolder(900);
    const store = await openStore(dir, 900, { vectors: { layout: "pages" } });
    await store.write(Array.from({ length: 900 }, (_, index) => sampleRecord(index, 600)));
    await store.sync();
    await finalize(store, dir, parquet);
    await store.close();
    expect((await stat(join(dir, ".work/vectors.f32"))).nlink).toBe(1);
    const { rows } = await readParquet(dir);
    expect(rows.map(({ vector }) => vector?.length ?? 0)).toEqual(rows.map((_, i) => (i % 7 === 3 ? 0 : 600)));
  });

  test("gives every other form of output as well, when a run goes on with another --format", async () => {
    const dir = await plannedFolder(900);
    const store = await openStore(dir, 900, { vectors: { layout: "pages" } });
    await store.write(Array.from({ length: 900 }, (_, index) => sampleRecord(index, 600)));
    await store.sync();
    await finalize(store, dir, { ...parquet, format: "npy" });
    await store.close();
    const bytes = await readFile(join(dir, "vectors.npy"));
    expect(bytes.toString("latin1", 10, 127)).toContain("'shape': (900, 600)");
    expect(bytes).toHaveLength(128 + 900 * 2400);
    for (let index = 0; index < 900; index += 1) {
      const at = 128 + index * 2400;
      const vector = new Float32Array(Uint8Array.from(bytes.subarray(at, at + 2400)).buffer);
      const expected = index % 7 === 3 ? new Float32Array(600).fill(Number.NaN) : sampleVector(index, 600);
      expect(vector).toEqual(expected);
    }
  });
});
