import { existsSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { systemClock } from "#src/core/clock.ts";
import { RunError } from "#src/core/failures/errors.ts";
import { FolderGuard } from "#src/producer/runs/folder/folder-guard.ts";
import { assertRunResumable } from "#src/producer/runs/resume-checks.ts";
import { readItems } from "#src/producer/storage/read-items.ts";
import { RunReader } from "#src/producer/storage/run-reader.ts";
import { collect } from "#test/support/runs/source-folder.ts";
import { waitFor } from "#test/support/wait-for.ts";
import { copyDatabase, expectFirstVersions } from "./support/expect-records.ts";
import { sampleRecord } from "./support/sample-record.ts";
import { fullStore, openStore, plannedFolder, temporaryFolder } from "./support/sample-records.ts";
import { UnsafeDisk } from "./support/unsafe-disk.ts";

const DIMENSIONS = 3;
const ITEMS = 60;

/** A store with several commits in its WAL, as a kill leaves it, and how long the WAL was after each commit. */
async function killedRun() {
  const dir = await plannedFolder(ITEMS);
  const disk = new UnsafeDisk();
  const store = await openStore(dir, ITEMS, { disk });
  const commits: { readonly items: number; readonly bytes: number }[] = [];
  for (let index = 0; index < ITEMS; index += 5) {
    await store.write([0, 1, 2, 3, 4].map((i) => sampleRecord(index + i, DIMENSIONS)));
    await store.sync();
    commits.push({ items: index + 5, bytes: statSync(join(dir, "run.db-wal")).size });
  }
  const killed = copyDatabase(dir);
  await store.close();
  return { killed, disk, commits };
}

async function expectComplete(dir: string, disk: UnsafeDisk): Promise<void> {
  const store = await openStore(dir, ITEMS, { disk });
  await store.write(Array.from({ length: ITEMS }, (_, index) => sampleRecord(index, DIMENSIONS)));
  await store.sync();
  expect(await expectFirstVersions(store, DIMENSIONS)).toHaveLength(ITEMS);
  await store.close();
}

describe("after a power failure", () => {
  test("commits before the first torn block of the WAL are there, and the run can be completed", async () => {
    const { killed, disk, commits } = await killedRun();
    const wal = readFileSync(join(killed, "run.db-wal"));
    const torn = fc.record({
      at: fc.nat(wal.length - 1),
      isCut: fc.boolean(),
      blocks: fc.array(fc.uint8Array({ minLength: 512, maxLength: 512 }), { minLength: 1, maxLength: 4 }),
      gap: fc.nat(20),
    });
    await fc.assert(
      fc.asyncProperty(torn, async ({ at, isCut, blocks, gap }) => {
        const dir = copyDatabase(killed);
        const damaged = Buffer.from(wal);
        const first = at - (at % 512);
        for (const [i, block] of blocks.entries())
          damaged.set(
            block.subarray(0, Math.max(0, wal.length - first - i * (gap + 1) * 512)),
            Math.min(wal.length, first + i * (gap + 1) * 512),
          );
        writeFileSync(join(dir, "run.db-wal"), isCut ? wal.subarray(0, at) : damaged);
        const survivors = commits.filter(({ bytes }) => bytes <= first).at(-1)?.items ?? 0;
        const store = await openStore(dir, ITEMS, { disk: disk.afterKill() });
        const present = await expectFirstVersions(store, DIMENSIONS);
        expect(present.slice(0, survivors)).toEqual(Array.from({ length: survivors }, (_, i) => i));
        // Commits are there completely or not at all.
        expect(present.length % 5).toBe(0);
        await store.close();
        await expectComplete(dir, disk.afterKill());
      }),
      { numRuns: 25 },
    );
  });

  test("a deleted WAL loses records, which can be requested again, and nothing else", async () => {
    const { killed, disk } = await killedRun();
    rmSync(join(killed, "run.db-wal"));
    const store = await openStore(killed, ITEMS, { disk: disk.afterKill() });
    await expectFirstVersions(store, DIMENSIONS);
    expect(store.counts().missing).toBeGreaterThan(0);
    await store.close();
    await expectComplete(killed, disk.afterKill());
  });
});

test("a WAL that is deleted while the run is in progress is noticed", async () => {
  const dir = await plannedFolder(ITEMS);
  const store = await openStore(dir, ITEMS);
  const guard = await FolderGuard.open([join(dir, "run.db"), join(dir, "run.db-wal")], systemClock);
  await guard.check();
  rmSync(join(dir, "run.db-wal"));
  await expect(guard.check()).rejects.toMatchObject({ message: expect.stringContaining("run.db-wal") });
  await store.close();
});

test.each([
  ["truncated", (path: string) => truncateSync(path, 128 + 40 * DIMENSIONS * 4 - 1), 39],
  ["deleted", (path: string) => rmSync(path), 0],
])("records whose vectors are lost because vectors.f32 was %s are missing, with a note", async (_, damage, kept) => {
  const dir = await temporaryFolder();
  await (await fullStore(dir, ITEMS, DIMENSIONS)).close();
  damage(join(dir, ".work", "vectors.f32"));
  const store = await openStore(dir, ITEMS);
  const lost = Array.from({ length: ITEMS }, (_, i) => i).filter((i) => i >= kept && i % 7 !== 3).length;
  expect(store.notes).toEqual([
    `vectors.f32 is shorter than it was: the vectors of ${lost} items are lost and are requested again`,
  ]);
  expect(store.counts().missing).toBe(lost);
  await store.write(Array.from({ length: ITEMS }, (_, index) => sampleRecord(index, DIMENSIONS)));
  await store.close();
  const again = await openStore(dir, ITEMS);
  expect(again.notes).toEqual([]);
  expect(await expectFirstVersions(again, DIMENSIONS)).toHaveLength(ITEMS);
  await again.close();
});

describe("a damaged database", () => {
  test("is reported wherever a page is damaged, by the store and by readers", async () => {
    const dir = await temporaryFolder();
    await (await fullStore(dir, ITEMS, DIMENSIONS)).close();
    const path = join(dir, "run.db");
    const whole = readFileSync(path);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, bits) => {
        const damaged = Buffer.from(whole);
        damaged[at] = (damaged[at] ?? 0) ^ bits;
        for (const name of ["-wal", "-shm"]) rmSync(path + name, { force: true });
        writeFileSync(path, damaged);
        const errors = [
          await attempt(readAllRecords),
          await attempt(() => collect(readItems(dir))),
          await attempt(readAsDashboard),
        ];
        for (const error of errors) {
          if (error === undefined) continue;
          expect(error).toBeInstanceOf(RunError);
          expect((error as RunError).message).toContain(dir);
        }
      }),
      {
        numRuns: 60,
        // Bytes of a record's status and of an item's index.
        examples: [
          [30447, 1],
          [11763, 216],
        ],
      },
    );
    async function readAllRecords() {
      const store = await openStore(dir, ITEMS);
      try {
        await store.read(0, ITEMS, new Uint8Array(ITEMS * DIMENSIONS * 4));
      } finally {
        await store.close();
      }
    }
    async function readAsDashboard() {
      using reader = new RunReader(dir);
      reader.read(0, ITEMS);
    }
  });

  test("is named, with what to do", async () => {
    const dir = await temporaryFolder();
    await (await fullStore(dir, ITEMS, DIMENSIONS)).close();
    const bytes = readFileSync(join(dir, "run.db"));
    for (let at = 8_192; at < bytes.length; at += 8_192) bytes[at] = 0xff;
    writeFileSync(join(dir, "run.db"), bytes);
    await expect(openStore(dir, ITEMS)).rejects.toMatchObject({
      message: `${join(dir, "run.db")} is damaged`,
      hint: expect.stringContaining("--force"),
    });
    writeFileSync(join(dir, "run.db"), "not a database at all ".repeat(1_000));
    await expect(openStore(dir, ITEMS)).rejects.toThrow("run.db is damaged");
    rmSync(join(dir, "run.db"));
    await expect(openStore(dir, ITEMS)).rejects.toMatchObject({
      message: `${join(dir, "run.db")}: the run's database is missing`,
      hint: expect.stringContaining("--force"),
    });
  });

  test("is named without its contents when metadata is no JSON any more", async () => {
    const dir = await plannedFolder(3);
    alter(dir, `UPDATE items SET metadata = '{"secret' WHERE "index" = 1`);
    const error = await attempt(() => collect(readItems(dir)));
    expect(error).toMatchObject({ name: "RunError", message: `${join(dir, "run.db")} is damaged` });
    expect(error).not.toHaveProperty("cause");
    using reader = new RunReader(dir);
    expect(() => reader.read(0, 3)).toThrow("run.db is damaged");
  });

  async function attempt(work: () => Promise<unknown>): Promise<unknown> {
    return await work().then(
      () => undefined,
      (error: unknown) => error,
    );
  }
});

describe("a folder that this version must not use", () => {
  test("is refused with one message when its database has a newer schema or belongs to another program", async () => {
    const dir = await plannedFolder(3);
    alter(dir, "PRAGMA user_version = 2");
    const newer = {
      message: `${join(dir, "run.db")} was written by a newer version of Sluice (schema 2; this version reads up to 1)`,
      hint: expect.stringContaining("Upgrade Sluice"),
    };
    await expect(openStore(dir, 3)).rejects.toMatchObject(newer);
    await expect(collect(readItems(dir))).rejects.toMatchObject(newer);
    alter(dir, "PRAGMA application_id = 7");
    await expect(openStore(dir, 3)).rejects.toThrow("run.db is a database of another program");
    await expect(collect(readItems(dir))).rejects.toThrow("run.db is a database of another program");
  });

  test("is refused when the run was started by a version without a run database", async () => {
    const dir = await temporaryFolder();
    await mkdir(join(dir, ".work"));
    assertRunResumable(dir);
    writeFileSync(join(dir, ".work", "items.jsonl"), '{"id":"a","text":"t","tokens":1}\n');
    expect(() => assertRunResumable(dir)).toThrow(
      expect.objectContaining({
        message: `${join(dir, ".work")} was written by Sluice 0.1, and this version cannot resume it`,
        hint: expect.stringContaining("--force"),
      }),
    );
  });
});

function alter(dir: string, sql: string): void {
  using database = new DatabaseSync(join(dir, "run.db"));
  database.exec(sql);
}

test("two stores of one folder never store an item twice: the later one fails, and its reopened store has the record", async () => {
  const dir = await plannedFolder(ITEMS);
  const [first, second] = [await openStore(dir, ITEMS), await openStore(dir, ITEMS)];
  await first.write([sampleRecord(0, DIMENSIONS)]);
  await first.sync();
  await second.write([sampleRecord(0, DIMENSIONS), sampleRecord(1, DIMENSIONS)]);
  await expect(second.sync()).rejects.toBeInstanceOf(RunError);
  await Promise.all([first.close(), second.close()]);
  const store = await openStore(dir, ITEMS);
  expect(await expectFirstVersions(store, DIMENSIONS)).toEqual([0]);
  await store.close();
});

test("readers see complete commits while the store writes, and a finished database is one file", async () => {
  const dir = await plannedFolder(ITEMS);
  const store = await openStore(dir, ITEMS);
  const reader = new RunReader(dir);
  await store.write([sampleRecord(0, DIMENSIONS), sampleRecord(1, DIMENSIONS)]);
  expect(reader.find(1)?.record).toBeUndefined();
  await store.sync();
  expect(reader.find(1)?.record).toMatchObject({ status: "ok", attempts: 2 });
  reader.close();
  await store.finish();
  expect(existsSync(join(dir, "run.db-wal"))).toBe(false);
  expect((await stat(join(dir, "run.db"))).size).toBeGreaterThan(0);
});

test("without a WAL, as on a network file system, a commit waits for a reader and keeps the lanes", async () => {
  const dir = await plannedFolder(2);
  const store = await openStore(dir, 2);
  store.database.exec("PRAGMA journal_mode = DELETE; PRAGMA busy_timeout = 1");
  const reader = new DatabaseSync(join(dir, "run.db"), { readOnly: true });
  reader.exec("BEGIN; SELECT count(*) FROM items");
  const attempts = vi.spyOn(store.database, "exec");
  const call = { lane: "fake/m", startedAt: 1, durationMs: 1 };
  await store.write([{ ...sampleRecord(0, DIMENSIONS), call }]);
  const synced = store.sync();
  await waitFor(() => attempts.mock.calls.filter(([sql]) => sql === "ROLLBACK").length > 0);
  reader.exec("COMMIT");
  await synced;
  expect(reader.prepare("SELECT name FROM lanes JOIN records USING (lane)").get()).toEqual({ name: "fake/m" });
  reader.close();
  await store.close();
});
