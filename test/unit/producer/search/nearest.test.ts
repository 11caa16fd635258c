import { mkdir, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { finalize } from "#src/producer/output/finalize.ts";
import { findNearest } from "#src/producer/search/nearest.ts";
import { openResult } from "#src/producer/search/open-result.ts";
import { TopK } from "#src/producer/search/top-k.ts";
import { failsAt, sampleRecord, sampleVector } from "#test/unit/producer/storage/support/sample-record.ts";
import { fullStore, sampleItem, temporaryFolder } from "#test/unit/producer/storage/support/sample-records.ts";

type Format = "parquet" | "jsonl" | "npy";

async function finishedRun(format: Format, items: number, dimensions: number, withText = true): Promise<string> {
  const dir = await temporaryFolder();
  const store = await fullStore(dir, items, dimensions);
  await finalize(store, dir, { format, withText, run: "r", model: "m/x" });
  await store.close();
  await rm(join(dir, ".work"), { recursive: true });
  return dir;
}

function exactScores(query: Float32Array, items: number): { index: number; score: number }[] {
  const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
  return Array.from({ length: items }, (_, index) => index)
    .filter((index) => !failsAt(index))
    .map((index) => {
      const vector = sampleVector(index, query.length);
      return { index, score: dot(query, vector) / Math.sqrt(dot(query, query) * dot(vector, vector)) };
    })
    .toSorted((a, b) => b.score - a.score);
}

describe.each<Format>(["parquet", "jsonl", "npy"])("a finished run in %s", (format) => {
  test("is read back record by record, in order and bit for bit", async () => {
    const [items, dimensions] = [4_500, 7];
    const result = await openResult(await finishedRun(format, items, dimensions));
    expect(result).toMatchObject({ format, dimensions });
    let next = 0;
    for await (const { start, count, vectors, items: records } of result.blocks()) {
      expect([start, records.length, vectors.length]).toEqual([next, count, count * dimensions]);
      for (const [i, record] of records.entries()) {
        const index = start + i;
        const { attempts, tokens } = sampleRecord(index, dimensions);
        const { id, text, metadata } = sampleItem(index);
        const status = failsAt(index) ? "failed" : "ok";
        expect(record).toEqual({ id, index, status, tokens, attempts, text, metadata });
        const vector = failsAt(index) ? new Float32Array(dimensions).fill(Number.NaN) : sampleVector(index, dimensions);
        expect(vectors.subarray(i * dimensions, (i + 1) * dimensions)).toEqual(vector);
      }
      next += count;
    }
    expect(next).toBe(items);
  });

  test.each([7, 16])("is searched exactly with %i dimensions, best first, without failed items", async (dimensions) => {
    const items = 4_200;
    const dir = await finishedRun(format, items, dimensions);
    const query = sampleVector(100_000, dimensions);
    const hits = await findNearest(dir, query, 5);
    const expected = exactScores(query, items).slice(0, 5);
    expect(hits.map(({ index }) => index)).toEqual(expected.map(({ index }) => index));
    for (const [i, { score, id, text, metadata, index }] of hits.entries()) {
      expect(score).toBeCloseTo(expected[i]?.score ?? Number.NaN, 10);
      const item = sampleItem(index);
      expect({ id, text, metadata }).toEqual({ id: item.id, text: item.text, metadata: item.metadata });
    }
    expect((await findNearest(dir, sampleVector(41, dimensions), 1))[0]).toMatchObject({ index: 41 });
  });

  test("gives ids without text when it was written without", async () => {
    const dir = await finishedRun(format, 10, 4, false);
    const [hit] = await findNearest(dir, sampleVector(4, 4), 1);
    expect(hit).toEqual({ id: sampleItem(4).id, index: 4, score: expect.closeTo(1, 6) });
  });

  test("returns all succeeded items when more are asked for", async () => {
    const dir = await finishedRun(format, 10, 4);
    const hits = await findNearest(dir, sampleVector(4, 4), 100);
    expect(hits.map(({ index }) => index).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 4, 5, 6, 7, 8, 9]);
  });

  test("refuses a query of another length or without direction", async () => {
    const dir = await finishedRun(format, 10, 4);
    await expect(findNearest(dir, sampleVector(4, 5), 1)).rejects.toThrow("the query has 5 dimensions");
    await expect(findNearest(dir, new Float32Array(4), 1)).rejects.toThrow("has no direction");
    await expect(findNearest(dir, sampleVector(4, 4), 0)).rejects.toThrow("1 or more, not 0");
  });

  test("may be left in the middle of reading", async () => {
    const result = await openResult(await finishedRun(format, 10_000, 4));
    for await (const block of result.blocks()) {
      expect(block.start).toBe(0);
      break;
    }
  });

  test("holds nothing to find when the run had no items", async () => {
    const dir = await finishedRun(format, 0, 4);
    expect(await findNearest(dir, sampleVector(4, 4), 3)).toEqual([]);
  });
});

describe("opening a result", () => {
  test("says so when the run is not finished, or when there is none", async () => {
    const dir = await temporaryFolder();
    await expect(openResult(dir)).rejects.toThrow("contains no finished run");
    await mkdir(join(dir, ".work"));
    await expect(openResult(dir)).rejects.toThrow("is not finished");
  });

  test("names file and line of a damaged record", async () => {
    const dir = await finishedRun("jsonl", 3, 2);
    await writeFile(join(dir, "records.jsonl"), '{"id":"a","index":0,"vector":[1,2]}\n{"id":"b"\n');
    await expect(openResult(dir).then((result) => result.pick([1]))).rejects.toThrow(
      "records.jsonl:2: expected the record of item 1",
    );
  });

  test("refuses a NumPy file that was cut", async () => {
    const dir = await finishedRun("npy", 3, 2);
    await truncate(join(dir, "vectors.npy"), 140);
    await expect(openResult(dir)).rejects.toThrow("not a complete NumPy file");
  });
});

describe("the best of many scores", () => {
  test("are the same as sorting them all would give, ties by index", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 9 })), fc.integer({ min: 1, max: 12 }), (scores, k) => {
        const best = new TopK(k);
        const all = scores.map((score, index) => ({ index, score }));
        for (const scored of all) best.add(scored);
        expect(best.best()).toEqual(all.toSorted((a, b) => b.score - a.score || a.index - b.index).slice(0, k));
      }),
    );
  });
});
