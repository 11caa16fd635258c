import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RunError } from "#src/core/failures/errors.ts";
import { AnswerCache } from "#src/producer/cache/answer-cache.ts";

const key = (n: number) => createHash("sha256").update(`question ${n}`).digest();

/** The n-th answer: a vector, or JSON for every third. */
function answer(n: number, floats = 8) {
  if (n % 3 === 0) return { tokens: n, json: { text: `answer ${n} ${"水".repeat(n % 50)}` } };
  return {
    tokens: n,
    vector: Buffer.from(Float32Array.from({ length: floats }, (_, i) => n + i / 7).buffer),
  };
}

let folder: string;

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), "sluice-cache-")), "cache");
});

afterEach(async () => {
  await rm(join(folder, ".."), { recursive: true, force: true });
});

const open = (options = {}) => AnswerCache.open(folder, { maxBytes: 1e9, now: Date.now, ...options });
const segments = async () => (await readdir(folder)).filter((name) => name.endsWith(".answers")).sort();
const bytesOnDisk = async () => {
  const sizes = (await readdir(folder)).map(async (name) => (await stat(join(folder, name))).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
};

/** What the cache finds of answers 0 to `count` - 1; anything but the very answer fails. */
async function found(cache: AnswerCache, count: number, floats?: number): Promise<number[]> {
  const answers = await cache.find(Array.from({ length: count }, (_, n) => key(n)));
  for (const [n, one] of answers.entries()) if (one) expect(one).toEqual(answer(n, floats));
  return [...answers.keys()].filter((n) => answers[n]);
}

async function put(cache: AnswerCache, from: number, to: number, floats?: number): Promise<void> {
  for (let n = from; n < to; n++) cache.put(key(n), answer(n, floats));
  await cache.flush();
}

describe("an answer cache", () => {
  test("returns vectors and answers bit for bit, also after it was reopened", async () => {
    const cache = await open();
    await put(cache, 0, 200);
    expect(await found(cache, 300)).toHaveLength(200);
    await cache.close();
    const again = await open();
    expect(again.size).toBe(200);
    expect(await found(again, 300)).toHaveLength(200);
    await again.close();
  });

  test("whatever happens to its files, finds an answer or misses it, and never another one", async () => {
    const damage = fc.record({
      file: fc.nat(),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      byte: fc.nat(255),
    });
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ do: fc.constant("put" as const), count: fc.integer({ min: 1, max: 20 }) }),
      },
      { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("reopen" as const, "abandon" as const) }) },
      fc.record({ do: fc.constantFrom("flip" as const, "cut" as const, "fill" as const), damage }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 14 }), async (steps) => {
        await rm(folder, { recursive: true, force: true });
        const opened = [await open()];
        let [count, isWhole] = [0, true];
        for (const one of steps) {
          const cache = opened.at(-1) as AnswerCache;
          if (one.do === "put") {
            await put(cache, count, count + one.count);
            count += one.count;
          } else if ("damage" in one) {
            await damageFile(one.do, one.damage);
            isWhole = false;
          } else {
            if (one.do === "reopen") await cache.close();
            opened.push(await open());
          }
          const known = await found(opened.at(-1) as AnswerCache, count);
          if (isWhole) expect(known).toHaveLength(count);
        }
        for (const cache of opened) await cache.close();
        const last = await open();
        const known = await found(last, count);
        if (isWhole) expect(known).toHaveLength(count);
        await last.close();
      }),
      { numRuns: 60 },
    );
  });

  async function damageFile(how: "flip" | "cut" | "fill", at: { file: number; at: number; byte: number }) {
    const names = (await readdir(folder)).sort();
    const name = names[at.file % Math.max(names.length, 1)];
    if (name === undefined) return;
    const path = join(folder, name);
    const bytes = await readFile(path);
    const position = Math.min(bytes.length - 1, Math.floor(at.at * bytes.length));
    if (position < 0) return;
    if (how === "cut") return await truncate(path, position);
    if (how === "fill") return await writeFile(path, Buffer.concat([bytes, Buffer.alloc(at.byte + 1, at.byte)]));
    bytes[position] = (bytes[position] ?? 0) ^ (at.byte | 1);
    await writeFile(path, bytes);
  }

  test("finds what another process has written, once it has looked again, and what a killed one left", async () => {
    const [writer, reader] = [await open(), await open()];
    await put(writer, 0, 10);
    expect(await found(reader, 10)).toEqual([]);
    expect(await reader.refresh()).toBe(true);
    expect(await found(reader, 10)).toHaveLength(10);
    await put(writer, 10, 20);
    expect(await reader.refresh()).toBe(true);
    expect(await found(reader, 20)).toHaveLength(20);
    expect(await reader.refresh()).toBe(false);
    // The writer never ends its file: neither does one that is killed, and its last frame may be there in part.
    const [name = ""] = await segments();
    await truncate(join(folder, name), (await stat(join(folder, name))).size - 3);
    const later = await open();
    expect(await found(later, 20)).toHaveLength(19);
    for (const cache of [writer, reader, later]) await cache.close();
  });

  test("stays within its size, and drops what was not used for longest", async () => {
    let now = Date.now() - 3_600_000;
    const cache = await open({ maxBytes: 1_500_000, now: () => now });
    const floats = 1_000;
    const clock = async (from: number, to: number) => {
      for (let n = from; n < to; n += 10) {
        await put(cache, n, n + 10, floats);
        now += 60_001;
        expect((await cache.find([key(1)]))[0]).toEqual(answer(1, floats));
      }
    };
    await clock(0, 200);
    expect(await found(cache, 200, floats)).toHaveLength(200);
    await clock(200, 1_200);
    expect(await bytesOnDisk()).toBeLessThan(1_500_000);
    const left = await found(cache, 1_200, floats);
    expect(left.length).toBeGreaterThan(200);
    expect(left).toContain(1);
    expect(left).not.toContain(100);
    expect(left).toContain(1_199);
    await cache.close();
  });

  test("makes one file of the many small ones that short runs leave", async () => {
    for (let n = 0; n < 40; n++) {
      const cache = await open();
      await put(cache, n, n + 1);
      await cache.close();
    }
    expect((await segments()).length).toBeLessThan(40);
    const cache = await open();
    expect(await found(cache, 40)).toHaveLength(40);
    expect(cache.size).toBe(40);
    await cache.close();
  });

  test("continues without a folder that disappears, reports it once, and stores nothing more", async () => {
    const problems: string[] = [];
    const cache = await open({ onProblem: (message: string) => problems.push(message) });
    await rm(folder, { recursive: true });
    await put(cache, 0, 5);
    await put(cache, 5, 9);
    expect(await found(cache, 9)).toEqual([]);
    await cache.close();
    expect(problems).toEqual([`the cache ${folder} cannot be written (ENOENT); new answers are not cached`]);
  });

  test("is looked into without being made or changed", async () => {
    const none = await AnswerCache.openReadOnly(folder);
    expect(none.has(key(1))).toBe(false);
    await none.close();
    await expect(stat(folder)).rejects.toThrow("ENOENT");
    const cache = await open();
    await put(cache, 0, 3);
    await cache.close();
    const before = await segments();
    const openReadOnly = await AnswerCache.openReadOnly(folder);
    expect([0, 1, 2, 3].map((n) => openReadOnly.has(key(n)))).toEqual([true, true, true, false]);
    await openReadOnly.close();
    expect(await segments()).toEqual(before);
  });

  test("refuses a folder that cannot be", async () => {
    await writeFile(join(folder, "..", "file"), "");
    const opening = AnswerCache.open(join(folder, "..", "file", "cache"), { maxBytes: 1e9, now: Date.now });
    await expect(opening).rejects.toThrow(RunError);
  });
});
