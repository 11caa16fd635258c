import { truncate } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { requireVectors } from "#src/producer/output/finalize.ts";
import type { RunStore } from "#src/producer/storage/run-store.ts";
import { copyDatabase } from "./support/expect-records.ts";
import { itemsWithDuplicates, openStore, plannedFolder } from "./support/sample-records.ts";
import { UnsafeDisk } from "./support/unsafe-disk.ts";

const vector = (...floats: number[]) => Buffer.from(Float32Array.from(floats).buffer);
const refused = { kind: "invalid-request", message: "no" } as const;

test("duplicates have their record as soon as their original has one, without tokens of their own", async () => {
  const dir = await plannedFolder(itemsWithDuplicates(5, { 2: 0, 3: 1, 4: 0 }));
  const store = await openStore(dir, 5);
  await store.write([
    { index: 0, attempts: 2, tokens: 7, vector: vector(1, 2) },
    { index: 1, attempts: 1, tokens: 0, failure: refused },
  ]);
  const counts = {
    ...{ items: 5, ok: 3, failed: 2, missing: 0, tokens: 7, attempts: 3 },
    reused: { duplicates: 2, cached: 0, tokens: 14, outputTokens: 0 },
  };
  expect(store.counts()).toEqual(counts);
  await store.close();
  const again = await openStore(dir, 5);
  expect(again.counts()).toEqual(counts);
  const { rows, vectors, damaged } = await again.read(0, 5, new Uint8Array(40));
  expect(damaged).toEqual([]);
  expect(rows.map(({ record }) => [record.attempts, record.tokens])).toEqual([
    [2, 7],
    [1, 0],
    [0, 7],
    [0, 0],
    [0, 7],
  ]);
  for (const i of [0, 2, 4]) expect([...vectors.subarray(i * 2, i * 2 + 2)]).toEqual([1, 2]);
  for (const i of [1, 3]) expect(rows[i]?.record.failure).toEqual(refused);
  expect(rows.map(({ item }) => item.text)).toEqual(["t0", "t1", "t0", "t1", "t0"]);
  await again.close();
});

test("results of the cache are counted apart from duplicates", async () => {
  const store = await openStore(await plannedFolder(itemsWithDuplicates(3, { 2: 0 })), 3);
  await store.write([
    { index: 0, attempts: 0, tokens: 5, vector: vector(1) },
    { index: 1, attempts: 1, tokens: 4, vector: vector(2) },
  ]);
  expect(store.counts()).toMatchObject({ tokens: 4, reused: { duplicates: 1, cached: 1, tokens: 10 } });
  await store.close();
});

test("the tokens of answers that were reused are counted, after a restart too", async () => {
  const dir = await plannedFolder(itemsWithDuplicates(4, { 2: 0, 3: 0 }));
  const store = await openStore(dir, 4, { vectors: undefined });
  const json = { text: "hi", usage: { inputTokens: 3, outputTokens: 8 } };
  await store.write([{ index: 0, attempts: 1, tokens: 11, json }]);
  const counts = { tokens: 11, reused: { duplicates: 2, cached: 0, tokens: 22, outputTokens: 16 } };
  expect(store.counts()).toMatchObject(counts);
  await store.close();
  const again = await openStore(dir, 4, { vectors: undefined });
  expect(again.counts()).toMatchObject(counts);
  expect(JSON.parse((await again.read(2, 1)).rows[0]?.record.answer ?? "")).toEqual(json);
  await again.close();
});

test("after a kill between the transactions of thousands of duplicates, their original has no record", async () => {
  const originals = Object.fromEntries(Array.from({ length: 5_499 }, (_, i) => [i + 1, 0]));
  const dir = await plannedFolder(itemsWithDuplicates(5_500, originals));
  const disk = new UnsafeDisk();
  const store = await openStore(dir, 5_500, { disk });
  await store.write([{ index: 0, attempts: 1, tokens: 1, vector: vector(9) }]);
  expect(store.counts()).toMatchObject({ ok: 5_500, missing: 0, tokens: 1 });
  let isSynced = false;
  const sync = store.sync().then(() => {
    isSynced = true;
  });
  const copies: string[] = [];
  while (!isSynced) {
    copies.push(copyDatabase(dir));
    await setImmediate();
  }
  await sync;
  await store.close();
  const stored: number[] = [];
  for (const killed of copies) {
    const found = await openStore(killed, 5_500, { disk: disk.afterKill() });
    stored.push(found.counts().ok);
    expectNoLostDuplicate(found, originals);
    await found.write([{ index: 0, attempts: 1, tokens: 1, vector: vector(9) }]);
    expect(found.counts()).toMatchObject({ ok: 5_500, missing: 0, tokens: 1 });
    await found.close();
  }
  expect(stored).toContain(2_000);
});

test("a duplicate whose vector was lost gets one again, although its original still has its own", async () => {
  const originals = { 3: 0, 4: 1, 5: 0 };
  const dir = await plannedFolder(itemsWithDuplicates(6, originals));
  const store = await openStore(dir, 6);
  const records = [0, 1, 2].map((index) => ({ index, attempts: 1, tokens: 1, vector: vector(index) }));
  await store.write(records);
  await store.close();
  await truncate(join(dir, ".work", "vectors.f32"), 128 + 5 * 4);
  const cut = await openStore(dir, 6);
  expect([...cut.missing()]).toEqual([
    { start: 0, end: 1 },
    { start: 5, end: 6 },
  ]);
  await cut.write(records);
  expect(cut.counts().missing).toBe(0);
  // A duplicate whose vector was changed on disk.
  await cut.sync();
  await requireVectors(cut).file.write([vector(7)], 128 + 4 * 4);
  const { damaged } = await cut.read(0, 6, new Uint8Array(24));
  expect(damaged).toEqual([4]);
  cut.forget(damaged);
  await cut.close();
  const again = await openStore(dir, 6);
  expectNoLostDuplicate(again, originals);
  await again.write(records);
  expect(again.counts().missing).toBe(0);
  await again.close();
});

/** Only originals are requested, so a duplicate may lack its record only while its original does. */
function expectNoLostDuplicate(store: RunStore, originals: Readonly<Record<number, number>>): void {
  const lost = Object.entries(originals).filter(([index, of]) => !store.has(Number(index)) && store.has(of));
  expect(lost).toEqual([]);
}
