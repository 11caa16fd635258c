import { describe, expect, test } from "vitest";
import { RunError } from "#src/core/failures/errors.ts";
import { type Disk, requireLittleEndian } from "#src/producer/storage/disk.ts";
import { readItems } from "#src/producer/storage/read-items.ts";
import { collect } from "#test/support/runs/source-folder.ts";
import { expectFirstVersions } from "./support/expect-records.ts";
import { answerRecord } from "./support/sample-answer.ts";
import { sampleRecord } from "./support/sample-record.ts";
import { fullStore, openStore, plannedFolder, temporaryFolder } from "./support/sample-records.ts";
import { UnsafeDisk } from "./support/unsafe-disk.ts";

const DIMENSIONS = 3;
const JSON_RESULTS = { vectors: undefined };

describe("a run store", () => {
  test("returns every record bit for bit after it was closed and reopened", async () => {
    const dir = await temporaryFolder();
    await (await fullStore(dir, 40, DIMENSIONS)).close();
    const store = await openStore(dir, 40);
    expect(store.dimensions).toBe(DIMENSIONS);
    expect(store.notes).toEqual([]);
    expect(await expectFirstVersions(store, DIMENSIONS)).toHaveLength(40);
    expect(store.counts()).toMatchObject({ items: 40, ok: 34, failed: 6, missing: 0, tokens: 1_560 });
    await store.close();
  });

  test("keeps the first record of an item and ignores later ones", async () => {
    const dir = await plannedFolder(4);
    const store = await openStore(dir, 4);
    const twice = [sampleRecord(1, DIMENSIONS), sampleRecord(1, DIMENSIONS, 1)];
    expect(await store.write(twice)).toEqual({ stored: 1, alreadyStored: 1 });
    await store.sync();
    const late = { index: 1, attempts: 9, tokens: 9, failure: { kind: "server", message: "late" } } as const;
    expect(await store.write([late, sampleRecord(3, DIMENSIONS)])).toEqual({ stored: 1, alreadyStored: 1 });
    await store.close();
    const again = await openStore(dir, 4);
    expect(await expectFirstVersions(again, DIMENSIONS)).toEqual([1, 3]);
    expect([...again.missing()]).toEqual([
      { start: 0, end: 1 },
      { start: 2, end: 3 },
    ]);
    await again.close();
  });

  test("gets the dimensions of a run without them from the first vector, durably", async () => {
    const dir = await plannedFolder(9);
    const store = await openStore(dir, 9);
    await store.write([sampleRecord(3, DIMENSIONS)]);
    await store.sync();
    expect(store.dimensions).toBe(0);
    await store.write([sampleRecord(0, DIMENSIONS)]);
    await store.close();
    const again = await openStore(dir, 9);
    expect(again.dimensions).toBe(DIMENSIONS);
    expect(await expectFirstVersions(again, DIMENSIONS)).toEqual([0, 3]);
    await again.close();
  });

  test.each([
    ["an index past the end", { ...sampleRecord(0, DIMENSIONS), index: 5 }, "items 0 to 4"],
    ["a vector of another length", sampleRecord(1, DIMENSIONS + 1), "12 bytes (3 floats), not 16 bytes"],
    ["neither vector nor failure", { index: 1, attempts: 1, tokens: 1 }, "either a result or a failure"],
    ["an answer instead of a vector", { ...answerRecord(1) }, "either a result or a failure"],
    ["a broken count", { ...sampleRecord(1, DIMENSIONS), attempts: -1 }, "attempts must be 0 to 65535, not -1"],
    ["half a token", { ...sampleRecord(1, DIMENSIONS), tokens: 0.5 }, "tokens must be 0 to 2147483647, not 0.5"],
  ])("rejects %s and stores nothing of that call", async (_, record, message) => {
    const store = await openStore(await plannedFolder(5), 5, { vectors: { layout: "flat", dimensions: DIMENSIONS } });
    await expect(store.write([sampleRecord(2, DIMENSIONS), record])).rejects.toThrow(message);
    expect(store.counts().missing).toBe(5);
    expect(await store.write([sampleRecord(2, DIMENSIONS)])).toEqual({ stored: 1, alreadyStored: 0 });
    await store.close();
  });

  test("rejects the folder of a run with other items or other dimensions", async () => {
    const dir = await plannedFolder(5);
    await (await openStore(dir, 5, { vectors: { layout: "flat", dimensions: 3 } })).close();
    await expect(openStore(dir, 6)).rejects.toThrow("run of 5 items, but this run has 6");
    await expect(openStore(dir, 5, { vectors: { layout: "flat", dimensions: 4 } })).rejects.toThrow(
      "vectors of 3 dimensions, but the vectors of this model have 4",
    );
  });

  test("refuses to run on a big-endian machine", () => {
    expect(() => requireLittleEndian("BE")).toThrow("this machine is big-endian");
  });

  test("forgets damaged records durably, and accepts new ones after it was opened again", async () => {
    const dir = await temporaryFolder();
    const store = await fullStore(dir, 4, DIMENSIONS);
    const error = store.forget([1, 2]);
    expect(error.message).toBe(`a record on disk differs from what was written: ${dir} (item 1 and 1 more)`);
    await expect(store.write([])).rejects.toBe(error);
    await store.close();
    const again = await openStore(dir, 4);
    expect([...again.missing()]).toEqual([{ start: 1, end: 3 }]);
    await again.write([1, 2].map((index) => sampleRecord(index, DIMENSIONS, 1)));
    await again.sync();
    await expectFirstVersions(again, DIMENSIONS, (index) => (index === 1 || index === 2 ? 1 : 0));
    expect(again.counts().missing).toBe(0);
    await again.close();
  });

  test("merges vectors of neighbouring items into one write without copying them", async () => {
    const reply = Buffer.from(Float32Array.from({ length: 30 }, (_, i) => i).buffer);
    const writes: { buffers: readonly Uint8Array[]; position: number }[] = [];
    const memory = new UnsafeDisk();
    const disk: Disk = {
      syncFolder: () => memory.syncFolder(),
      openExisting: (path) => memory.openExisting(path),
      open: async (path) => {
        const file = await memory.open(path);
        const write = (buffers: readonly Uint8Array[], position: number) => {
          writes.push({ buffers, position });
          return file.write(buffers, position);
        };
        return { ...file, write };
      },
    };
    const store = await openStore(await plannedFolder(20), 20, { disk });
    const vector = (i: number) => reply.subarray(i * 12, i * 12 + 12);
    const order = [3, 0, 2, 1, 9];
    await store.write(order.map((i) => ({ index: i + 5, attempts: 1, tokens: 1, vector: vector(i) })));
    expect(writes.map(({ position }) => position)).toEqual([128 + 5 * 12, 128 + 14 * 12]);
    expect(writes[0]?.buffers).toHaveLength(1);
    expect(writes[0]?.buffers[0]?.buffer).toBe(reply.buffer);
    expect(writes[0]?.buffers[0]?.byteLength).toBe(48);
    await store.close();
  });
});

describe("a run store of answers", () => {
  test("returns every answer after it was closed and reopened, and names an item without a record", async () => {
    const dir = await plannedFolder(40);
    const store = await openStore(dir, 40, JSON_RESULTS);
    await store.write(Array.from({ length: 39 }, (_, index) => answerRecord(index)));
    await store.close();
    const again = await openStore(dir, 40, JSON_RESULTS);
    expect(await expectFirstVersions(again, undefined)).toHaveLength(39);
    await expect(again.read(38, 2)).rejects.toThrow("item 39 has no record in ");
    await again.close();
  });

  test("contains answers of many megabytes, and empty ones", async () => {
    const store = await openStore(await plannedFolder(3), 3, JSON_RESULTS);
    const values = [{ text: "长".repeat(900_000) }, null, ["x".repeat(10_000_000)]];
    await store.write(values.map((json, index) => ({ index, attempts: 1, tokens: 1, json })));
    await store.sync();
    const { rows, damaged } = await store.read(0, 3);
    expect(damaged).toEqual([]);
    expect(rows.map(({ record }) => JSON.parse(record.answer ?? ""))).toEqual(values);
    await store.close();
  });

  test("detects an answer that was changed on disk", async () => {
    const store = await openStore(await plannedFolder(2), 2, JSON_RESULTS);
    await store.write([answerRecord(0), answerRecord(1)]);
    await store.sync();
    store.database.exec(`UPDATE records SET answer = replace(answer, 'x', 'y') WHERE "index" = 1`);
    expect((await store.read(0, 2)).damaged).toEqual([1]);
    await store.close();
  });
});

describe("a full disk", () => {
  test("for the vectors names the folder, rejects further records, and resumes from what is durable", async () => {
    const dir = await plannedFolder(30);
    const disk = new UnsafeDisk();
    const store = await openStore(dir, 30, { disk });
    await store.write([0, 1, 2, 3].map((index) => sampleRecord(index, DIMENSIONS)));
    await store.sync();
    disk.bytesLeft = 100;
    const rest = Array.from({ length: 26 }, (_, i) => sampleRecord(i + 4, DIMENSIONS));
    await expectDiskFull(store.write(rest), dir);
    await expect(store.write([])).rejects.toThrow("the disk is full");
    await expect(store.sync()).rejects.toThrow("the disk is full");
    await store.close();
    const again = await openStore(dir, 30, { disk: disk.afterKill() });
    expect(await expectFirstVersions(again, DIMENSIONS)).toEqual([0, 1, 2, 3]);
    await again.write(rest);
    await again.sync();
    expect(await expectFirstVersions(again, DIMENSIONS)).toHaveLength(30);
    await again.close();
  });

  test("for the database does the same", async () => {
    const dir = await plannedFolder(30);
    const store = await openStore(dir, 30, JSON_RESULTS);
    await store.write([0, 1, 2, 3].map((index) => answerRecord(index)));
    await store.sync();
    const pages = store.database.prepare("PRAGMA page_count").get()?.page_count;
    store.database.exec(`PRAGMA max_page_count = ${pages}`);
    const rest = Array.from({ length: 26 }, (_, i) => answerRecord(i + 4));
    await store.write(rest);
    await expectDiskFull(store.sync(), dir);
    await expect(store.write(rest)).rejects.toThrow("the disk is full");
    await store.close();
    const again = await openStore(dir, 30, JSON_RESULTS);
    expect(await expectFirstVersions(again, undefined)).toEqual([0, 1, 2, 3]);
    await again.write(rest);
    await again.sync();
    expect(await expectFirstVersions(again, undefined)).toHaveLength(30);
    await again.close();
  });

  async function expectDiskFull(work: Promise<unknown>, dir: string): Promise<void> {
    const error = await work.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RunError);
    expect(error).toMatchObject({
      message: `cannot write to ${dir}: the disk is full`,
      hint: expect.stringContaining("Free some space. Then run the same command again"),
    });
  }
});

test("items and failures of any text are returned as they were planned and written", async () => {
  const texts = ["", "\u0000", "a\u0000b\u0000", "😀 e\u0301 \u{10ffff}", "\r\n\t\u2028", "长".repeat(3_500_000)];
  const items = texts.map((text, i) => ({ id: `i\u0000${i}`, text, tokens: i }));
  const metadata = [undefined, {}, { a: null }, { lone: "\ud83d", nul: "\u0000" }, { deep: [[{}]] }, { n: 1e300 }];
  const planned = items.map((item, i) => (metadata[i] ? { ...item, metadata: metadata[i] } : item));
  const dir = await plannedFolder(planned);
  const expected = planned.map((item, index) => ({ index, ...item }));
  expect(await collect(readItems(dir))).toEqual(expected);
  const store = await openStore(dir, texts.length, JSON_RESULTS);
  const failure = {
    kind: "server",
    message: "m\u0000😀",
    code: "c\u0000",
    providerMessage: "p\u0000",
    param: "",
  } as const;
  await store.write(
    texts.map((text, index) => ({ index, attempts: 1, tokens: 1, json: { text, lone: "\ud83d" } })).slice(1),
  );
  await store.write([{ index: 0, attempts: 1, tokens: 0, failure }]);
  await store.sync();
  const { rows, damaged } = await store.read(0, texts.length);
  expect(damaged).toEqual([]);
  expect(rows.map(({ item }) => item)).toEqual(expected);
  expect(rows[0]?.record.failure).toEqual(failure);
  expect(rows.slice(1).map(({ record }) => JSON.parse(record.answer ?? "").text)).toEqual(texts.slice(1));
  await store.close();
});
