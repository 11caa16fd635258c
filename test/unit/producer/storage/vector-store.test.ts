import { stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RunError } from "#src/core/failures/errors.ts";
import { requireLittleEndian } from "#src/producer/storage/disk.ts";
import { openVectorStore, type VectorStore } from "#src/producer/storage/vector-store.ts";
import { failsAt, sampleRecord, sampleVector } from "./support/sample-record.ts";
import { fullStore, temporaryFolder } from "./support/sample-records.ts";
import { UnsafeDisk } from "./support/unsafe-disk.ts";

const DIMENSIONS = 3;

/** Every record the store holds is bit for bit the first version of its item; returns the items that have one. */
async function expectFirstVersions(store: VectorStore, version: (index: number) => number = () => 0) {
  const present = Array.from({ length: store.items }, (_, i) => i).filter((index) => store.has(index));
  for (const index of present) {
    const into = new Uint8Array(Math.max(store.dimensions, 1) * 4);
    const block = await store.read(index, 1, into);
    const expected = sampleRecord(index, DIMENSIONS, version(index));
    expect(block.damaged).toEqual([]);
    expect(block.slots[0]).toMatchObject({ index, attempts: expected.attempts, tokens: expected.tokens });
    if (expected.failure !== undefined) expect(block.failures.get(index)).toEqual(expected.failure);
    else expect(block.vectors).toEqual(sampleVector(index, DIMENSIONS, version(index)));
  }
  return present;
}

describe("a record store", () => {
  test("returns every record bit for bit after it was closed and reopened", async () => {
    const dir = await temporaryFolder();
    await (await fullStore(dir, 40, DIMENSIONS)).close();
    const store = await openVectorStore(dir, { items: 40 });
    expect(store.dimensions).toBe(DIMENSIONS);
    expect(await expectFirstVersions(store)).toHaveLength(40);
    expect(store.counts()).toMatchObject({
      items: 40,
      ok: 34,
      failed: 6,
      missing: 0,
      alreadyStored: 0,
      tokens: 1_560,
    });
    await store.close();
  });

  test("keeps the first record of an item and counts the later ones", async () => {
    const disk = new UnsafeDisk();
    const store = await openVectorStore("/run", { items: 4, disk });
    const twice = [sampleRecord(1, DIMENSIONS), sampleRecord(1, DIMENSIONS, 1)];
    expect(await store.write(twice)).toEqual({ stored: 1, alreadyStored: 1 });
    await store.sync();
    const valid = sampleRecord(3, DIMENSIONS);
    const late = { index: 1, attempts: 9, tokens: 9, failure: { kind: "server", message: "late" } } as const;
    expect(await store.write([late, valid])).toEqual({ stored: 1, alreadyStored: 1 });
    await store.close();
    const again = await openVectorStore("/run", { items: 4, disk });
    expect(await expectFirstVersions(again)).toEqual([1, 3]);
    expect([...again.missing()]).toEqual([
      { start: 0, end: 1 },
      { start: 2, end: 3 },
    ]);
  });

  test("takes the dimensions of a run that names none from the first vector, durably", async () => {
    const disk = new UnsafeDisk();
    const store = await openVectorStore("/run", { items: 9, disk });
    await store.write([sampleRecord(3, DIMENSIONS)]);
    await store.sync();
    expect(store.dimensions).toBe(0);
    await store.write([sampleRecord(0, DIMENSIONS)]);
    await store.sync();
    const again = await openVectorStore("/run", { items: 9, disk: disk.afterPowerCut(() => false) });
    expect(again.dimensions).toBe(DIMENSIONS);
    expect(await expectFirstVersions(again)).toEqual([0, 3]);
  });

  test.each([
    ["an index past the end", { ...sampleRecord(0, DIMENSIONS), index: 5 }, "items 0 to 4"],
    ["a vector of another length", { ...sampleRecord(1, DIMENSIONS + 1) }, "12 bytes (3 floats), not 16 bytes"],
    ["neither vector nor failure", { index: 1, attempts: 1, tokens: 1 }, "either a vector or a failure"],
    ["a broken count", { ...sampleRecord(1, DIMENSIONS), attempts: -1 }, "attempts must be 0 to 65535, not -1"],
  ])("refuses %s and stores nothing of that call", async (_, record, message) => {
    const store = await openVectorStore("/run", { items: 5, dimensions: DIMENSIONS, disk: new UnsafeDisk() });
    await expect(store.write([sampleRecord(2, DIMENSIONS), record])).rejects.toThrow(message);
    expect(store.counts().missing).toBe(5);
    await expect(store.write([sampleRecord(2, DIMENSIONS)])).resolves.toEqual({
      stored: 1,
      alreadyStored: 0,
    });
  });

  test("refuses the folder of a run with other items or other dimensions", async () => {
    const disk = new UnsafeDisk();
    await (await openVectorStore("/run", { items: 5, dimensions: 3, disk })).close();
    await expect(openVectorStore("/run", { items: 6, disk })).rejects.toThrow("run of 5 items, but this run has 6");
    await expect(openVectorStore("/run", { items: 5, dimensions: 4, disk })).rejects.toThrow(
      "vectors of 3 dimensions, but the vectors of this model have 4",
    );
  });

  test("refuses to run on a big-endian machine", () => {
    expect(() => requireLittleEndian("BE")).toThrow("this machine is big-endian");
  });

  test("names the folder when the disk is full, refuses further records and resumes from what is durable", async () => {
    const disk = new UnsafeDisk();
    const store = await openVectorStore("/run", { items: 30, dimensions: DIMENSIONS, disk });
    await store.write([0, 1, 2, 3].map((index) => sampleRecord(index, DIMENSIONS)));
    await store.sync();
    disk.bytesLeft = 100;
    const rest = Array.from({ length: 26 }, (_, i) => sampleRecord(i + 4, DIMENSIONS));
    const failure = await store.write(rest).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RunError);
    expect(failure).toMatchObject({ message: "cannot write to /run/.work: the disk is full" });
    expect(failure).toMatchObject({ hint: expect.stringContaining("run the same command again") });
    await expect(store.write([])).rejects.toBe(failure);
    await expect(store.sync()).rejects.toBe(failure);
    await store.close();
    const roomy = disk.afterKill();
    const again = await openVectorStore("/run", { items: 30, dimensions: DIMENSIONS, disk: roomy });
    expect(await expectFirstVersions(again)).toEqual([0, 1, 2, 3]);
    await again.write(rest);
    await again.sync();
    expect(await expectFirstVersions(again)).toHaveLength(30);
  });

  test("forgets records for good: their items are missing after a power cut, too, and may be stored again", async () => {
    const disk = new UnsafeDisk();
    const store = await openVectorStore("/run", { items: 3, dimensions: DIMENSIONS, disk });
    await store.write([0, 1, 2].map((index) => sampleRecord(index, DIMENSIONS)));
    await store.sync();
    await store.forget((await store.read(1, 1)).slots);
    const again = await openVectorStore("/run", { items: 3, disk: disk.afterPowerCut(() => false) });
    expect([...again.missing()]).toEqual([{ start: 1, end: 2 }]);
    expect(again.counts()).toEqual(store.counts());
    await again.write([sampleRecord(1, DIMENSIONS, 1)]);
    await again.sync();
    expect(await expectFirstVersions(again, (index) => (index === 1 ? 1 : 0))).toEqual([0, 1, 2]);
  });

  test("merges vectors of neighbouring items into one write without copying them", async () => {
    const reply = Buffer.from(Float32Array.from({ length: 30 }, (_, i) => i).buffer);
    const writes: { buffers: readonly Uint8Array[]; position: number }[] = [];
    const disk = new UnsafeDisk();
    const spy = {
      syncFolder: () => disk.syncFolder(),
      open: async (path: string) => {
        const file = await disk.open(path);
        if (!path.endsWith("vectors.f32")) return file;
        return {
          ...file,
          write: (buffers: readonly Uint8Array[], position: number) => {
            writes.push({ buffers, position });
            return file.write(buffers, position);
          },
        };
      },
    };
    const store = await openVectorStore("/run", { items: 20, dimensions: DIMENSIONS, disk: spy });
    const vector = (i: number) => reply.subarray(i * 12, i * 12 + 12);
    const order = [3, 0, 2, 1, 9];
    await store.write(order.map((i) => ({ index: i + 5, attempts: 1, tokens: 1, vector: vector(i) })));
    expect(writes.map(({ position }) => position)).toEqual([128 + 5 * 12, 128 + 14 * 12]);
    expect(writes[0]?.buffers).toHaveLength(1);
    expect(writes[0]?.buffers[0]?.buffer).toBe(reply.buffer);
    expect(writes[0]?.buffers[0]?.byteLength).toBe(48);
  });

  test("finds again only whole records when its files were cut anywhere", async () => {
    const cut = fc.record({
      file: fc.constantFrom("vectors.f32", "ledger.bin", "failures.jsonl"),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(cut, { minLength: 1, maxLength: 3 }), async (cuts) => {
        const dir = await temporaryFolder();
        const items = 30;
        await (await fullStore(dir, items, DIMENSIONS)).close();
        for (const { file, at } of cuts) {
          const path = join(dir, ".work", file);
          await truncate(path, Math.floor((await stat(path)).size * at));
        }
        const store = await openVectorStore(dir, { items, dimensions: DIMENSIONS });
        await expectFirstVersions(store);
        await store.write(Array.from({ length: items }, (_, index) => sampleRecord(index, DIMENSIONS)));
        await store.sync();
        expect(await expectFirstVersions(store)).toHaveLength(items);
        await store.close();
        const again = await openVectorStore(dir, { items, dimensions: DIMENSIONS });
        expect(await expectFirstVersions(again)).toHaveLength(items);
        await again.close();
      }),
      { numRuns: 40 },
    );
  });
});

type Step =
  | { readonly kind: "write"; readonly indices: readonly number[] }
  | { readonly kind: "sync" | "kill" | "power" };

const ITEMS = 24;
const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.array(fc.nat(ITEMS - 1), { maxLength: 12 }).map((indices): Step => ({ kind: "write", indices })),
    },
    { weight: 3, arbitrary: fc.constant<Step>({ kind: "sync" }) },
    { weight: 1, arbitrary: fc.constantFrom<Step>({ kind: "kill" }, { kind: "power" }) },
  ),
  { maxLength: 30 },
);

describe("for any order, duplication, kills and power cuts", () => {
  test("a synced record stays for good, the first one wins, and no slot is without its record", async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.infiniteStream(fc.boolean()), fc.boolean(), async (plan, coins, isSized) => {
        const options = isSized ? { items: ITEMS, dimensions: DIMENSIONS } : { items: ITEMS };
        let disk = new UnsafeDisk();
        let store = await openVectorStore("/run", { ...options, disk });
        let version = 0;
        let written = new Map<number, number>();
        let durable = new Map<number, number>();
        for (const step of plan) {
          if (step.kind === "write") {
            version += 1;
            const now = version;
            const before = written.size;
            for (const index of step.indices) if (!written.has(index)) written.set(index, now);
            const { stored } = await store.write(step.indices.map((i) => sampleRecord(i, DIMENSIONS, now)));
            expect(stored).toBe(written.size - before);
          } else if (step.kind === "sync") {
            await store.sync();
            durable = new Map(written);
          } else {
            // A sync may be half-way when the end comes.
            const sync = coins.next().value ? store.sync() : undefined;
            for (let turns = 0; sync !== undefined && turns < 9 && coins.next().value; turns += 1) {
              await Promise.resolve();
            }
            const after = step.kind === "kill" ? disk.afterKill() : disk.afterPowerCut(() => coins.next().value);
            await sync;
            disk = after;
            store = await openVectorStore("/run", { ...options, disk });
            const present = await expectFirstVersions(store, (index) => written.get(index) ?? -1);
            expect(present).toEqual(expect.arrayContaining([...durable.keys()]));
            written = new Map(present.map((index) => [index, written.get(index) ?? -1]));
            durable = new Map(written);
          }
        }
        await store.sync();
        expect(await expectFirstVersions(store, (index) => written.get(index) ?? -1)).toEqual(
          [...written.keys()].toSorted((a, b) => a - b),
        );
        const failed = [...written.keys()].filter(failsAt).length;
        expect(store.counts()).toMatchObject({ ok: written.size - failed, failed });
      }),
      { numRuns: 300 },
    );
  });
});
