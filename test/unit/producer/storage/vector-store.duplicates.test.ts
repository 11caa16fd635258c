import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DuplicatesBuilder } from "#src/producer/plan/duplicates.ts";
import { openAnswerStore } from "#src/producer/storage/answer-store.ts";
import type { DiskFile } from "#src/producer/storage/disk.ts";
import { openVectorStore } from "#src/producer/storage/vector-store.ts";
import { UnsafeDisk } from "./support/unsafe-disk.ts";

function createDuplicates(pairs: Readonly<Record<number, number>>) {
  const builder = new DuplicatesBuilder();
  for (const [copy, original] of Object.entries(pairs)) builder.add(Number(copy), original);
  return builder.build();
}

/** A disk on which slots of the ledger get lost one by one in a power cut, and nothing else does. */
class LossyLedgerDisk extends UnsafeDisk {
  override async open(path: string): Promise<DiskFile> {
    const file = await super.open(path);
    let headerIsSafe = false;
    if (!path.endsWith("ledger.bin")) return file;
    return {
      ...file,
      sync: async () => {
        if (!headerIsSafe) await file.sync();
        headerIsSafe = true;
      },
    };
  }
}

const vector = (...floats: number[]) => Buffer.from(Float32Array.from(floats).buffer);
const refused = { kind: "invalid-request", message: "no" } as const;

describe("a store with copies", () => {
  test("has the records of copies as soon as it has their original's, without charge", async () => {
    const disk = new UnsafeDisk();
    const duplicates = createDuplicates({ 2: 0, 3: 1, 4: 0 });
    const store = await openVectorStore("/run", { items: 5, dimensions: 2, disk, duplicates });
    await store.write([
      { index: 0, attempts: 2, tokens: 7, vector: vector(1, 2) },
      { index: 1, attempts: 1, tokens: 0, failure: refused },
    ]);
    expect(store.counts()).toMatchObject({
      ...{ ok: 3, failed: 2, missing: 0, tokens: 7, attempts: 3 },
      reused: { duplicates: 2, cached: 0, tokens: 14 },
    });
    await store.close();
    const again = await openVectorStore("/run", { items: 5, disk, duplicates });
    const { slots, vectors, failures, damaged } = await again.read(0, 5, new Uint8Array(40));
    expect(damaged).toEqual([]);
    expect(slots.map(({ attempts, tokens }) => [attempts, tokens])).toEqual([
      [2, 7],
      [1, 0],
      [0, 7],
      [0, 0],
      [0, 7],
    ]);
    expect([0, 2, 4].map((i) => [...vectors.subarray(i * 2, i * 2 + 2)])).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
    ]);
    expect([...failures]).toEqual([
      [1, refused],
      [3, refused],
    ]);
    expect(again.counts().reused).toEqual({ duplicates: 2, cached: 0, tokens: 14, outputTokens: 0 });
  });

  test("tells results of the cache from copies", async () => {
    const disk = new UnsafeDisk();
    const store = await openVectorStore("/run", {
      items: 3,
      dimensions: 1,
      disk,
      duplicates: createDuplicates({ 2: 0 }),
    });
    await store.write([
      { index: 0, attempts: 0, tokens: 5, vector: vector(1) },
      { index: 1, attempts: 1, tokens: 4, vector: vector(2) },
    ]);
    expect(store.counts()).toMatchObject({ tokens: 4, reused: { duplicates: 1, cached: 1, tokens: 10 } });
  });

  test("tells the tokens of answers that were reused, after a restart too", async () => {
    const disk = new UnsafeDisk();
    const options = { items: 4, disk, now: () => 0, duplicates: createDuplicates({ 2: 0, 3: 0 }) };
    const store = await openAnswerStore("/run", options);
    const json = { text: "hi", usage: { inputTokens: 3, outputTokens: 8 } };
    await store.write([{ index: 0, attempts: 1, tokens: 11, json }]);
    expect(store.counts()).toMatchObject({
      tokens: 11,
      reused: { duplicates: 2, tokens: 22, outputTokens: 16 },
    });
    await store.close();
    const again = await openAnswerStore("/run", options);
    expect(again.counts()).toMatchObject({
      tokens: 11,
      reused: { duplicates: 2, tokens: 22, outputTokens: 16 },
    });
    const [, copy] = [...(await again.read(2, 2))];
    expect(copy?.answer?.json).toEqual(json);
  });

  test("is complete again when it is opened after a kill between an original and its copies", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 12 }), fc.boolean(), async (kept, fails) => {
        const disk = new LossyLedgerDisk();
        const duplicates = createDuplicates({ 3: 1, 5: 1, 6: 2, 7: 1 });
        const before = await openVectorStore("/run", { items: 8, dimensions: 1, disk, duplicates });
        await before.sync();
        await before.write([
          { index: 1, attempts: 1, tokens: 2, ...(fails ? { failure: refused } : { vector: vector(4) }) },
          { index: 2, attempts: 1, tokens: 3, vector: vector(5) },
        ]);
        await before.sync();
        let turn = 0;
        const cut = disk.afterPowerCut(() => kept[turn++] ?? false);
        const store = await openVectorStore("/run", { items: 8, dimensions: 1, disk: cut, duplicates });
        for (const { original, duplicates: wanted } of duplicates.all())
          for (const copy of wanted) expect(store.has(copy) || !store.has(original)).toBe(true);
        const { ok, failed, missing } = store.counts();
        expect(ok + failed + missing).toBe(8);
      }),
      { numRuns: 100 },
    );
  });

  test("gives a thousand times more copies than go into one write their record", async () => {
    const disk = new UnsafeDisk();
    const builder = new DuplicatesBuilder();
    for (let copy = 1; copy < 5_500; copy++) builder.add(copy, 0);
    const store = await openVectorStore("/run", {
      items: 5_500,
      dimensions: 1,
      disk,
      duplicates: builder.build(),
    });
    await store.write([{ index: 0, attempts: 1, tokens: 1, vector: vector(9) }]);
    expect(store.counts()).toMatchObject({ ok: 5_500, missing: 0, tokens: 1 });
  });
});
