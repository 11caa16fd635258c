import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RunError } from "#src/core/failures/errors.ts";
import type { Item } from "#src/core/item.ts";
import { AnswerCache, type CacheOptions } from "#src/producer/cache/answer-cache.ts";
import { decodeFrame, encodeFrame } from "#src/producer/cache/cache-frame.ts";
import { CacheStore } from "#src/producer/cache/cache-store.ts";
import { countCachedAnswers } from "#src/producer/cache/count-cached-answers.ts";
import { makeAnswer as answer, makeKey as key } from "#test/support/cache/cached-answers.ts";

let folder: string;
let notes: string[];
let opened: AnswerCache[];
let children: ChildProcess[];

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), "sluice-cache-")), "cache");
  notes = [];
  opened = [];
  children = [];
});

afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  for (const cache of opened) await cache.close();
  await rm(join(folder, ".."), { recursive: true, force: true });
});

async function open(options: Partial<CacheOptions> = {}, dir = folder): Promise<AnswerCache> {
  const notify = (message: string) => notes.push(message);
  const cache = await AnswerCache.open(dir, { maxBytes: 1e9, now: Date.now, notify, ...options });
  opened.push(cache);
  return cache;
}

const file = () => join(folder, "answers.db");

/** Returns which of the answers 0 to `count` - 1 the cache finds, and fails for anything but the very answer. */
async function found(cache: AnswerCache, count: number, floats?: number): Promise<number[]> {
  const answers = await cache.find(Array.from({ length: count }, (_, n) => key(n)));
  for (const [n, one] of answers.entries()) if (one) expect(one).toEqual(answer(n, floats));
  return [...answers.keys()].filter((n) => answers[n]);
}

async function put(cache: AnswerCache, from: number, to: number, floats?: number): Promise<void> {
  for (let n = from; n < to; n++) cache.put(key(n), answer(n, floats));
  await cache.flush();
}

function runSql(sql: string): void {
  const database = new DatabaseSync(file());
  database.exec(sql);
  database.close();
}

function startWriter(from: number, to: number): ChildProcess {
  const script = fileURLToPath(new URL("../../../support/cache/write-answers.ts", import.meta.url));
  const child = fork(script, [folder, String(from), String(to)]);
  children.push(child);
  return child;
}

describe("an answer cache", () => {
  test("returns vectors and answers bit for bit, also after it was reopened", async () => {
    const cache = await open();
    await put(cache, 0, 200);
    expect(await found(cache, 300)).toHaveLength(200);
    await cache.close();
    expect(await readdir(folder)).toEqual(["answers.db"]);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await stat(file())).mode & 0o777).toBe(0o600);
    expect(await found(await open(), 300)).toHaveLength(200);
    expect(notes).toEqual([]);
  });

  test("replaces an answer by a later one", async () => {
    const cache = await open();
    await put(cache, 1, 2, 8);
    await put(cache, 1, 2, 3);
    expect((await cache.find([key(1)]))[0]).toEqual(answer(1, 3));
  });

  test("finds what another process has written, and what a killed one left", async () => {
    const [writer, reader] = [await open(), await open()];
    await put(writer, 0, 10);
    expect(await found(reader, 10)).toHaveLength(10);
    const child = startWriter(10, 1_000_000);
    for (let n = 0; n < 5; n++) await once(child, "message");
    child.kill("SIGKILL");
    await once(child, "exit");
    const left = await found(reader, 20_000);
    expect(left.length).toBeGreaterThan(10);
    // Complete transactions, in their order.
    expect(left).toEqual(Array.from({ length: left.length }, (_, n) => n));
    await put(writer, left.length, left.length + 5);
    expect(await found(await open(), left.length + 5)).toHaveLength(left.length + 5);
    expect(notes).toEqual([]);
  });

  test("is written by several processes at once", async () => {
    const writers = [0, 1, 2].map((n) => startWriter(n * 2_000, (n + 1) * 2_000));
    await Promise.all(writers.map((child) => once(child, "exit")));
    expect(writers.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
    expect(await found(await open(), 6_000)).toHaveLength(6_000);
  });

  test("stays within its size, and evicts what was not used for the longest time", async () => {
    let now = 1e12;
    const cache = await open({ maxBytes: 1_500_000, now: () => now });
    const floats = 1_000;
    for (let n = 0; n < 1_200; n += 10) {
      await put(cache, n, n + 10, floats);
      now += 3_600_000;
      expect((await cache.find([key(1)]))[0]).toEqual(answer(1, floats));
    }
    expect((await stat(file())).size).toBeLessThan(1_500_000);
    const left = await found(cache, 1_200, floats);
    expect(left.length).toBeGreaterThan(150);
    expect(left.slice(0, 2)).toEqual([1, 1_200 - left.length + 1]);
    expect(left).toContain(1_199);
  });

  test("gets smaller when it is opened with a smaller size", async () => {
    const cache = await open();
    await put(cache, 0, 2_000, 1_000);
    await cache.close();
    const before = (await stat(file())).size;
    const smaller = await open({ maxBytes: before / 4 });
    await smaller.close();
    expect((await stat(file())).size).toBeLessThan(before / 3);
    const left = await found(await open(), 2_000, 1_000);
    expect(left.length).toBeGreaterThan(300);
    expect(left.at(-1)).toBe(1_999);
  });

  test("deletes the files of the format before, and reports it", async () => {
    await mkdir(folder);
    for (const name of ["m1abc-0123456789ab.answers", "m1abc-0123456789ab-40.index", "notes.index", "a.answers"]) {
      await writeFile(join(folder, name), "x");
    }
    await (await open()).close();
    expect((await readdir(folder)).sort()).toEqual(["a.answers", "answers.db", "notes.index"]);
    expect(notes).toEqual([expect.stringContaining("deleted the answers that an earlier version cached")]);
  });

  test("continues when its folder is deleted", async () => {
    const cache = await open();
    await rm(folder, { recursive: true });
    await put(cache, 0, 5);
    await found(cache, 5);
    await cache.close();
    expect(await found(await open(), 5)).toEqual([]);
  });

  test("reports once that it cannot be written, and still finds answers", async () => {
    const cache = await open();
    await put(cache, 0, 5);
    runSql("CREATE TRIGGER refuse BEFORE INSERT ON answers BEGIN SELECT RAISE(ABORT, 'refused'); END");
    await put(cache, 5, 9);
    await put(cache, 9, 12);
    expect(await found(cache, 12)).toHaveLength(5);
    expect(notes).toEqual([`answer cache: cannot read or write ${folder}: refused; new answers are not cached`]);
  });

  test("counts the cached answers of items without creating or changing anything", async () => {
    const items: Item[] = [0, 1, 2, 3].map((n) => ({ index: n, id: `${n}`, text: `${n}`, tokens: 10 }));
    items.push({ index: 4, id: "4", text: "1", tokens: 10, duplicateOf: 1 });
    const count = () =>
      countCachedAnswers(folder, ({ text }) => key(Number(text)), Readable.from([items.slice(0, 2), items.slice(2)]));
    expect(await count()).toEqual({ items: 0, tokens: 0 });
    await expect(stat(folder)).rejects.toThrow("ENOENT");
    const cache = await open();
    await put(cache, 0, 3);
    await cache.close();
    const before = await readFile(file());
    expect(await count()).toEqual({ items: 3, tokens: 30 });
    expect(await readFile(file())).toEqual(before);
  });

  test("refuses a folder that cannot be, and the database of another program", async () => {
    await writeFile(join(folder, "..", "file"), "");
    await expect(open({}, join(folder, "..", "file", "cache"))).rejects.toThrow(RunError);
    await mkdir(folder);
    runSql("CREATE TABLE theirs (a)");
    await expect(open()).rejects.toMatchObject({
      message: `${file()} is a database of another program`,
      hint: "Choose another folder with --cache, or remove the option.",
    });
  });
});

describe("a damaged answer cache", () => {
  test("deletes a damaged answer and stores it again", async () => {
    const cache = await open();
    await put(cache, 0, 20);
    runSql("UPDATE answers SET frame = CAST(substr(frame, 1, 60) || x'00' || substr(frame, 62) AS BLOB) WHERE id = 3");
    expect(await found(cache, 20)).toHaveLength(19);
    await put(cache, 2, 3);
    expect(await found(cache, 20)).toHaveLength(20);
    expect(notes).toEqual([]);
  });

  test.each([
    ["when it is opened", 0],
    ["in its pages", 4_096],
  ])("is renamed and started again: %s", async (_, from) => {
    const before = await open();
    await put(before, 0, 500);
    await before.close();
    const bytes = await readFile(file());
    await writeFile(file(), bytes.fill(0x5a, from));
    const cache = await open();
    await put(cache, 0, 10);
    expect(await found(cache, 10)).toHaveLength(10);
    expect(await readFile(`${file()}.damaged`)).toEqual(bytes);
    expect(notes).toEqual([`${file()} is damaged: it was renamed to answers.db.damaged, and a new cache was started`]);
  });

  test("whatever happens to its files, returns an answer or misses it, never another one, and works on", () => {
    const damage = fc.record({
      what: fc.constantFrom("flip" as const, "cut" as const, "fill" as const, "swap" as const),
      file: fc.constantFrom("answers.db", "answers.db-wal"),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      byte: fc.nat(255),
    });
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ put: fc.integer({ min: 1, max: 40 }) }) },
      { weight: 2, arbitrary: fc.record({ stop: fc.constantFrom("close" as const, "crash" as const) }) },
      { weight: 2, arbitrary: fc.record({ damage }) },
    );
    let folders = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 2, maxLength: 12 }), (steps) => {
        let dir = `${folder}-${folders++}`;
        let store = new CacheStore(dir, 1e9);
        let [count, isWhole] = [0, true];
        for (const one of steps) {
          if ("put" in one) {
            const added = Array.from({ length: one.put }, (_, n) => count + n);
            store.put(
              added.map((n) => encodeFrame(key(n), answer(n))),
              Date.now(),
            );
            count += one.put;
          } else {
            // The files as a killed process leaves them, or as they are after an orderly end.
            if (!("stop" in one) || one.stop === "close") store.close(Date.now());
            const next = `${folder}-${folders++}`;
            cpSync(dir, next, { recursive: true, filter: (path) => !path.endsWith("-shm") });
            store.close(Date.now());
            dir = next;
            if ("damage" in one) damageFile(join(dir, one.damage.file), one.damage);
            isWhole &&= !("damage" in one);
            notes.push(...store.takeNotes());
            store = new CacheStore(dir, 1e9);
          }
          const known = findIn(store, count);
          if (isWhole) expect(known).toHaveLength(count);
        }
        store.close(Date.now());
        notes.push(...store.takeNotes());
      }),
      { numRuns: 25 },
    );
    expect(notes.filter((note) => !note.includes("is damaged: it was renamed"))).toEqual([]);
  });

  function findIn(store: CacheStore, count: number): number[] {
    const keys = Array.from({ length: count }, (_, n) => key(n));
    return store.find(keys, Date.now()).flatMap((frame, n) => {
      if (frame) expect(decodeFrame(frame)).toEqual(answer(n));
      return frame ? [n] : [];
    });
  }

  function damageFile(path: string, { what, at, byte }: { what: string; at: number; byte: number }): void {
    let bytes = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
    const position = Math.min(bytes.length - 1, Math.floor(at * bytes.length));
    if (position < 0) return;
    if (what === "cut") bytes = bytes.subarray(0, position);
    else if (what === "fill") bytes = Buffer.concat([bytes, Buffer.alloc(byte + 1, byte)]);
    else if (what === "swap") {
      // Two pages trade places, as on a disk that writes to the wrong address.
      const [a, b] = [position - (position % 4096), (byte * 4096) % Math.max(4096, bytes.length - 4096)];
      const page = Buffer.from(bytes.subarray(a, a + 4096));
      bytes.copyWithin(a, b, b + 4096);
      page.copy(bytes, b);
    } else bytes[position] = (bytes[position] ?? 0) ^ (byte | 1);
    writeFileSync(path, bytes);
  }
});
