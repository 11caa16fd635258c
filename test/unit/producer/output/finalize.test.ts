import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { describe, expect, test } from "vitest";
import { RunError } from "#src/core/failures/errors.ts";
import { type FinalizeOptions, finalize, requireVectors } from "#src/producer/output/finalize.ts";
import { RESULT_FILES } from "#src/producer/output/result-writer.ts";
import { systemDisk } from "#src/producer/storage/disk.ts";
import { failsAt, sampleRecord, sampleVector } from "#test/unit/producer/storage/support/sample-record.ts";
import {
  fullStore,
  listOutput,
  openStore,
  plannedFolder,
  sampleItem,
  temporaryFolder,
} from "#test/unit/producer/storage/support/sample-records.ts";

const about = { run: "r-1", model: "minimax/embo-01" };
const jsonl: FinalizeOptions = { format: "jsonl", withText: false, ...about };
const parquet: FinalizeOptions = { format: "parquet", withText: true, ...about };
const npy: FinalizeOptions = { format: "npy", withText: true, ...about };

const readJsonLines = async (path: string) =>
  (await readFile(path, "utf8"))
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));

const expectedLine = (index: number, withText: boolean) => {
  const { attempts, tokens } = sampleRecord(index, 1);
  const { id, text, metadata } = sampleItem(index);
  const status = failsAt(index) ? "failed" : "ok";
  return { id, index, status, tokens, attempts, ...(withText ? { text, metadata } : {}) };
};

describe("records.jsonl", () => {
  test("has one line per item in input order, with vectors that read back bit for bit", async () => {
    const dir = await temporaryFolder();
    const store = await fullStore(dir, 50, 5);
    const result = await finalize(store, dir, jsonl);
    await store.close();
    expect(result).toMatchObject({ files: ["errors.jsonl", "records.jsonl"], items: 50, ok: 43, failed: 7 });
    const lines = await readJsonLines(join(dir, "records.jsonl"));
    for (const [index, { vector, ...line }] of lines.entries()) {
      expect(line).toEqual(expectedLine(index, false));
      if (failsAt(index)) expect(vector).toBeNull();
      else expect(Float32Array.from(vector)).toEqual(sampleVector(index, 5));
    }
    expect(lines).toHaveLength(50);
    expect(Object.keys(lines[0])).toEqual(["id", "index", "status", "vector", "tokens", "attempts"]);
  });

  test("carries text and metadata when asked to", async () => {
    const dir = await temporaryFolder();
    const store = await fullStore(dir, 12, 2);
    await finalize(store, dir, { ...jsonl, withText: true });
    await store.close();
    const lines = await readJsonLines(join(dir, "records.jsonl"));
    expect(lines.map(({ vector: _, ...line }) => line)).toEqual(lines.map((_, i) => expectedLine(i, true)));
  });

  test("may hold a text longer than any buffer", async () => {
    const text = "长".repeat(1_000_000);
    const dir = await plannedFolder([0, 1, 2].map((index) => ({ ...sampleItem(index), text })));
    const store = await openStore(dir, 3);
    await store.write([0, 1, 2].map((index) => ({ ...sampleRecord(0, 1), index })));
    await store.sync();
    await finalize(store, dir, { ...jsonl, withText: true });
    await store.close();
    const lines = await readJsonLines(join(dir, "records.jsonl"));
    expect(lines.map((line) => line.text === text)).toEqual([true, true, true]);
  });
});

describe("records.parquet", () => {
  const readAll = async (dir: string) => {
    const file = await asyncBufferFromFile(join(dir, "records.parquet"));
    const metadata = await parquetMetadataAsync(file);
    const rows = await parquetReadObjects({ file, metadata });
    return { metadata, rows };
  };

  test("reads back through a general reader with every column, over several pages", async () => {
    const dir = await temporaryFolder();
    const [items, dimensions] = [2_300, 600];
    const store = await fullStore(dir, items, dimensions);
    await finalize(store, dir, parquet);
    await store.close();
    const { metadata, rows } = await readAll(dir);
    expect(metadata.row_groups.length).toBe(1);
    expect(metadata.row_groups[0]?.columns.map(({ meta_data }) => meta_data?.path_in_schema[0])).toEqual([
      "id",
      "index",
      "status",
      "vector",
      "tokens",
      "attempts",
      "text",
      "metadata",
    ]);
    expect(metadata.row_groups[0]?.columns[3]?.offset_index_length).toBeGreaterThan(0);
    expect(Object.fromEntries((metadata.key_value_metadata ?? []).map(({ key, value }) => [key, value]))).toEqual({
      "sluice.run": "r-1",
      "sluice.model": "minimax/embo-01",
      "sluice.dimensions": "600",
    });
    expect(rows).toHaveLength(items);
    for (const [index, { vector, ...row }] of rows.entries()) {
      expect(row).toEqual(expectedLine(index, true));
      if (failsAt(index)) expect(vector ?? null).toBeNull();
      else if (
        !Buffer.from(Float32Array.from(vector).buffer).equals(Buffer.from(sampleVector(index, dimensions).buffer))
      ) {
        throw new Error(`vector of item ${index} differs`);
      }
    }
  });

  test("splits a run into row groups of bounded size", async () => {
    const dir = await temporaryFolder();
    const store = await fullStore(dir, 9_001, 2);
    await finalize(store, dir, { ...parquet, withText: false });
    await store.close();
    const { metadata, rows } = await readAll(dir);
    expect(metadata.row_groups.map(({ num_rows }) => Number(num_rows))).toEqual([4_000, 4_000, 1_001]);
    expect(rows.map(({ index }) => index)).toEqual(rows.map((_, i) => i));
    expect(Object.keys(rows[0] ?? {})).toEqual(["id", "index", "status", "vector", "tokens", "attempts"]);
  });

  test("has null vectors when every item failed and no dimensions are known", async () => {
    const dir = await plannedFolder(2);
    const store = await openStore(dir, 2);
    const failure = { kind: "content-filter", message: "refused" } as const;
    await store.write([0, 1].map((index) => ({ index, attempts: 1, tokens: 0, failure })));
    await store.sync();
    await finalize(store, dir, parquet);
    await store.close();
    expect((await readAll(dir)).rows.map(({ status, vector }) => [status, vector ?? null])).toEqual([
      ["failed", null],
      ["failed", null],
    ]);
  });
});

describe("vectors.npy", () => {
  test("is the vector file itself with a header, failed items being NaN", async () => {
    const dir = await temporaryFolder();
    const store = await fullStore(dir, 20, 3);
    const result = await finalize(store, dir, npy);
    await store.close();
    expect(result.files).toEqual(["errors.jsonl", "items.jsonl", "vectors.npy"]);
    const bytes = await readFile(join(dir, "vectors.npy"));
    expect(bytes.toString("latin1", 0, 8)).toBe("\x93NUMPY\x01\x00");
    expect(bytes.readUInt16LE(8)).toBe(118);
    expect(bytes.toString("latin1", 10, 128)).toMatch(
      /^\{'descr': '<f4', 'fortran_order': False, 'shape': \(20, 3\), \} +\n$/,
    );
    expect(bytes).toHaveLength(128 + 20 * 12);
    for (let index = 0; index < 20; index += 1) {
      const vector = new Float32Array(Uint8Array.from(bytes.subarray(128 + index * 12, 140 + index * 12)).buffer);
      expect(vector).toEqual(failsAt(index) ? new Float32Array(3).fill(Number.NaN) : sampleVector(index, 3));
    }
    const lines = await readJsonLines(join(dir, "items.jsonl"));
    expect(lines).toEqual(lines.map((_, i) => expectedLine(i, true)));
    expect(lines).toHaveLength(20);
  });
});

describe.each([jsonl, parquet, npy])("any form of output ($format)", (options) => {
  test("lists failed items in errors.jsonl, in input order", async () => {
    const dir = await plannedFolder(30);
    const store = await openStore(dir, 30);
    await store.write(Array.from({ length: 30 }, (_, i) => sampleRecord(29 - i, 2)));
    await store.sync();
    await finalize(store, dir, options);
    await store.close();
    const failed = Array.from({ length: 30 }, (_, i) => i).filter(failsAt);
    expect(await readJsonLines(join(dir, "errors.jsonl"))).toEqual(
      failed.map((index) => {
        const { attempts, failure } = sampleRecord(index, 2);
        return { id: sampleItem(index).id, index, ...failure, attempts };
      }),
    );
  });

  test("has no errors.jsonl when nothing failed, not even an older one", async () => {
    const dir = await temporaryFolder();
    await writeFile(join(dir, "errors.jsonl"), "old");
    const store = await fullStore(dir, 3, 2);
    await finalize(store, dir, options);
    await store.close();
    expect(await readdir(dir)).not.toContain("errors.jsonl");
  });

  test("is the same after being written twice, with the store opened again in between", async () => {
    const dir = await temporaryFolder();
    const store = await fullStore(dir, 25, 4);
    const { files } = await finalize(store, dir, options);
    await store.close();
    const before = await Promise.all(files.map((name) => readFile(join(dir, name))));
    const again = await openStore(dir, 25);
    expect(again.counts().missing).toBe(0);
    await finalize(again, dir, options);
    await again.close();
    await rm(join(dir, ".work"), { recursive: true });
    expect(await Promise.all(files.map((name) => readFile(join(dir, name))))).toEqual(before);
    expect(await listOutput(dir)).toEqual(["digests.bin", ...files].toSorted());
  });

  test("leaves the list of items and everything else in the work folder alone", async () => {
    const dir = await temporaryFolder();
    const store = await fullStore(dir, 25, 4);
    const names = Object.values(RESULT_FILES);
    for (const name of names) await writeFile(join(dir, ".work", name), "mine");
    await finalize(store, dir, options);
    await store.close();
    for (const name of names) expect(await readFile(join(dir, ".work", name), "utf8")).toBe("mine");
    expect(await readdir(join(dir, ".work"))).not.toContain("output");
  });

  test("appears whole or not at all when the writing stops half-way", async () => {
    const dir = await temporaryFolder();
    const store = await fullStore(dir, 25, 4);
    const onProgress = () => {
      throw new Error("interrupted");
    };
    await expect(finalize(store, dir, { ...options, onProgress })).rejects.toThrow("interrupted");
    const signal = AbortSignal.abort(new Error("aborted"));
    await expect(finalize(store, dir, { ...options, signal })).rejects.toBe(signal.reason);
    expect(await listOutput(dir)).toEqual([".work"]);
    await finalize(store, dir, options);
    await store.close();
    expect(await readdir(dir)).toContain("errors.jsonl");
  });

  test("is published only when every record is durable", async () => {
    const dir = await plannedFolder(3);
    const store = await openStore(dir, 3, { vectors: { layout: "flat", dimensions: 2 } });
    await store.write([sampleRecord(0, 2)]);
    await store.sync();
    const writing = finalize(store, dir, options);
    await store.write([sampleRecord(2, 2), sampleRecord(1, 2)]);
    expect(await listOutput(dir)).toEqual([".work"]);
    await store.sync();
    const { files } = await writing;
    await store.close();
    expect(await listOutput(dir)).toEqual([".work", "digests.bin", ...files].toSorted());
  });

  test("is not published when the store is closed before every record is there", async () => {
    const dir = await plannedFolder(3);
    const store = await openStore(dir, 3, { vectors: { layout: "flat", dimensions: 2 } });
    await store.write([sampleRecord(0, 2)]);
    await store.sync();
    const writing = expect(finalize(store, dir, options)).rejects.toThrow(RunError);
    await store.close();
    await writing;
    expect(await listOutput(dir)).toEqual([".work"]);
  });

  test("exists for a run without items", async () => {
    const dir = await plannedFolder(0);
    const store = await openStore(dir, 0, { vectors: { layout: "flat", dimensions: 4 } });
    const { files } = await finalize(store, dir, options);
    await store.close();
    expect(await readdir(dir)).toEqual(expect.arrayContaining([...files]));
  });

  test("tells how far it is", async () => {
    const dir = await temporaryFolder();
    const store = await fullStore(dir, 25, 4);
    const seen: number[] = [];
    await finalize(store, dir, {
      ...options,
      onProgress: ({ written }) => seen.push(written),
    });
    await store.close();
    expect(seen.at(-1)).toBe(25);
  });
});

describe("finalizing on a bad disk", () => {
  test("takes a vector that changed on disk for missing, so that it is embedded again", async () => {
    const dir = await temporaryFolder();
    const store = await fullStore(dir, 9, 4);
    await requireVectors(store).file.write([Buffer.from([1, 2, 3])], 128 + 5 * 16);
    await expect(finalize(store, dir, jsonl)).rejects.toThrow("differs from what was written");
    await store.close();
    const again = await openStore(dir, 9);
    expect([...again.missing()]).toEqual([{ start: 5, end: 6 }]);
    await again.write([sampleRecord(5, 4)]);
    await again.sync();
    await finalize(again, dir, jsonl);
    expect(again.counts()).toMatchObject({ ok: 8, failed: 1, tokens: 72 });
    await again.close();
  });

  test("names the folder when the disk fills up, publishes nothing and can be done again", async () => {
    const dir = await temporaryFolder();
    await (await fullStore(dir, 25, 4)).close();
    let full = true;
    const disk = {
      ...systemDisk,
      open: async (path: string) => {
        const file = await systemDisk.open(path);
        if (!path.includes("records")) return file;
        const write = async (buffers: readonly Uint8Array[], position: number) => {
          if (full) throw Object.assign(new Error("full"), { code: "ENOSPC" });
          return file.write(buffers, position);
        };
        return Object.assign(Object.create(file), {
          write,
          truncate: (size: number) => file.truncate(size),
          sync: () => file.sync(),
          close: () => file.close(),
        });
      },
    };
    const store = await openStore(dir, 25, { disk });
    const failure = await finalize(store, dir, jsonl).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RunError);
    expect(failure).toMatchObject({ message: `cannot write to ${dir}: the disk is full` });
    expect(await listOutput(dir)).toEqual([".work"]);
    full = false;
    await finalize(store, dir, jsonl);
    await store.close();
    expect(await readJsonLines(join(dir, "records.jsonl"))).toHaveLength(25);
  });
});
