import { stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AnswerStore, openAnswerStore } from "#src/producer/storage/answer-store.ts";
import { answerRecord, sampleAnswer } from "./support/sample-answer.ts";
import { failsAt } from "./support/sample-record.ts";
import { temporaryFolder } from "./support/sample-records.ts";
import { UnsafeDisk } from "./support/unsafe-disk.ts";

const NOW = 1_800_000_000_000;
const now = () => NOW;

/** Every record the store holds is the first version of its item; returns the items that have one. */
async function expectFirstVersions(store: AnswerStore, version: (index: number) => number = () => 0) {
  const present = Array.from({ length: store.items }, (_, i) => i).filter((index) => store.has(index));
  for (const index of present) {
    const [stored] = await store.read(index, 1);
    const expected = answerRecord(index, version(index));
    expect(stored?.slot).toMatchObject({ index, attempts: expected.attempts, tokens: expected.tokens });
    if (expected.failure) expect(stored?.failure).toEqual(expected.failure);
    else expect(stored?.answer).toEqual({ json: sampleAnswer(index, version(index)), storedAt: NOW / 1000 });
  }
  return present;
}

async function fullStore(dir: string, items: number) {
  const store = await openAnswerStore(dir, { items, now });
  await store.write(Array.from({ length: items }, (_, index) => answerRecord(index)));
  await store.sync();
  return store;
}

describe("a JSON store", () => {
  test("returns every answer after it was closed and reopened", async () => {
    const dir = await temporaryFolder();
    await (await fullStore(dir, 40)).close();
    const store = await openAnswerStore(dir, { items: 40, now });
    expect(await expectFirstVersions(store)).toHaveLength(40);
    expect(store.counts()).toMatchObject({ ok: 34, failed: 6, missing: 0, tokens: 1_560, alreadyStored: 0 });
    await store.close();
  });

  test("keeps the first record of an item and counts the later ones", async () => {
    const disk = new UnsafeDisk();
    const store = await openAnswerStore("/run", { items: 4, now, disk });
    expect(await store.write([answerRecord(1), answerRecord(1, 1)])).toEqual({ stored: 1, alreadyStored: 1 });
    await store.close();
    const again = await openAnswerStore("/run", { items: 4, now, disk });
    expect(await expectFirstVersions(again)).toEqual([1]);
    expect([...again.missing()]).toEqual([
      { start: 0, end: 1 },
      { start: 2, end: 4 },
    ]);
  });

  test("holds answers larger than a page, and empty ones", async () => {
    const disk = new UnsafeDisk();
    const store = await openAnswerStore("/run", { items: 3, now, disk });
    const values = [{ text: "长".repeat(900_000) }, null, ["x".repeat(5_000_000)]];
    await store.write(values.map((json, index) => ({ index, attempts: 1, tokens: 1, json })));
    await store.sync();
    const stored = await store.read(0, 3);
    expect(stored.map(({ answer }) => answer?.json)).toEqual(values);
  });

  test.each([
    ["an index past the end", { ...answerRecord(0), index: 5 }, "items 0 to 4"],
    ["a broken count", { ...answerRecord(1), tokens: 0.5 }, "tokens must be 0 to 2147483647, not 0.5"],
  ])("refuses %s and stores nothing of that call", async (_, record, message) => {
    const store = await openAnswerStore("/run", { items: 5, now, disk: new UnsafeDisk() });
    await expect(store.write([answerRecord(2), record])).rejects.toThrow(message);
    expect(store.counts().missing).toBe(5);
  });

  test("says which item has no record yet, and which folder the disk is full under", async () => {
    const disk = new UnsafeDisk();
    const store = await openAnswerStore("/run", { items: 30, now, disk });
    await store.write([answerRecord(0)]);
    await store.sync();
    await expect(store.read(0, 2)).rejects.toThrow("item 1 has no record yet");
    disk.bytesLeft = 10;
    await expect(store.write([answerRecord(1)])).rejects.toThrow("cannot write to /run/.work: the disk is full");
    await expect(store.sync()).rejects.toThrow("the disk is full");
  });

  test("detects an answer that was damaged on disk, and accepts a new record after it was reset", async () => {
    const disk = new UnsafeDisk();
    const store = await openAnswerStore("/run", { items: 2, now, disk });
    await store.write([answerRecord(0), answerRecord(1)]);
    await store.sync();
    const file = await disk.open("/run/.work/answers.bin");
    await file.write([Buffer.from("?")], 40);
    const again = await openAnswerStore("/run", { items: 2, now, disk });
    const [damaged, whole] = await again.read(0, 2);
    expect(damaged).toEqual({ slot: expect.objectContaining({ index: 0 }) });
    expect(whole?.answer?.json).toEqual(sampleAnswer(1));
    if (damaged) await again.forget([damaged.slot]);
    await again.write([answerRecord(0, 3)]);
    await again.sync();
    expect(await expectFirstVersions(again, (index) => (index === 0 ? 3 : 0))).toEqual([0, 1]);
  });

  test("finds again only whole answers when its files were cut anywhere", async () => {
    const cut = fc.record({
      file: fc.constantFrom("answers.bin", "ledger.bin", "failures.jsonl"),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(cut, { minLength: 1, maxLength: 3 }), async (cuts) => {
        const dir = await temporaryFolder();
        await (await fullStore(dir, 30)).close();
        for (const { file, at } of cuts) {
          const path = join(dir, ".work", file);
          await truncate(path, Math.floor((await stat(path)).size * at));
        }
        const store = await openAnswerStore(dir, { items: 30, now });
        await expectFirstVersions(store);
        await store.write(Array.from({ length: 30 }, (_, index) => answerRecord(index)));
        await store.close();
        const again = await openAnswerStore(dir, { items: 30, now });
        expect(await expectFirstVersions(again)).toHaveLength(30);
        await again.close();
      }),
      { numRuns: 30 },
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

test("for any order, duplication, kills and power cuts a synced answer stays, and the first one wins", async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.infiniteStream(fc.boolean()), async (plan, coins) => {
      let disk = new UnsafeDisk();
      let store = await openAnswerStore("/run", { items: ITEMS, now, disk });
      let version = 0;
      let written = new Map<number, number>();
      let durable = new Map<number, number>();
      for (const step of plan) {
        if (step.kind === "write") {
          version += 1;
          const current = version;
          for (const index of step.indices) if (!written.has(index)) written.set(index, current);
          await store.write(step.indices.map((index) => answerRecord(index, current)));
        } else if (step.kind === "sync") {
          await store.sync();
          durable = new Map(written);
        } else {
          const sync = coins.next().value ? store.sync() : undefined;
          for (let turns = 0; sync !== undefined && turns < 9 && coins.next().value; turns += 1) {
            await Promise.resolve();
          }
          const after = step.kind === "kill" ? disk.afterKill() : disk.afterPowerCut(() => coins.next().value);
          await sync;
          disk = after;
          store = await openAnswerStore("/run", { items: ITEMS, now, disk });
          const present = await expectFirstVersions(store, (index) => written.get(index) ?? -1);
          expect(present).toEqual(expect.arrayContaining([...durable.keys()]));
          written = new Map(present.map((index) => [index, written.get(index) ?? -1]));
          durable = new Map(written);
        }
      }
      await store.sync();
      const present = await expectFirstVersions(store, (index) => written.get(index) ?? -1);
      expect(present).toEqual([...written.keys()].toSorted((a, b) => a - b));
      const failed = present.filter(failsAt).length;
      expect(store.counts()).toMatchObject({ ok: present.length - failed, failed });
    }),
    { numRuns: 300 },
  );
});
