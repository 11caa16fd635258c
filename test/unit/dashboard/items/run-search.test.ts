import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ProviderError } from "#src/core/failures/errors.ts";
import { RunSearch } from "#src/dashboard/items/run-search.ts";
import type { RunFolder } from "#src/dashboard/runs/run-folder.ts";
import { finalize } from "#src/producer/output/finalize.ts";
import { writeManifest } from "#src/producer/runs/run-manifest.ts";
import { openStore, writePlan } from "#test/unit/producer/storage/support/sample-records.ts";

let dir: string;
let folder: RunFolder;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "sluice-search-"));
  await writePlan(
    dir,
    ["east", "north"].map((id) => ({ id, text: id, tokens: 1 })),
  );
  const store = await openStore(dir, 2);
  const vectors = [Float32Array.of(1, 0), Float32Array.of(0, 1)];
  await store.write(
    vectors.map((vector, index) => ({ index, attempts: 1, tokens: 1, vector: Buffer.from(vector.buffer) })),
  );
  await store.sync();
  const { files } = await finalize(store, dir, { format: "jsonl", withText: true, run: "r", model: "fake/m" });
  await store.close();
  rmSync(join(dir, ".work"), { recursive: true });
  const manifest = {
    ...{
      version: 1,
      run: "r",
      kind: "embedding",
      type: "db",
      state: "finished",
      sluice: "t",
      model: "fake/m",
    },
    source: {
      ...{ paths: [], sha256: "", fingerprint: "", files: 1, skippedFiles: 0, documents: 2, bytes: 1 },
      ...{ items: 2, estimatedTokens: 1, skippedInvalid: 0 },
    },
    ...{ createdAt: "", activeMs: 1, items: { total: 2, succeeded: 2, failed: 0, missing: 0 } },
    ...{ failuresByKind: {}, tokens: 2, snoozes: 0, counters: {}, dimensions: 2 },
    calls: { made: 1, answered: 1, failed: 0, throttled: 0, paidTwice: 0 },
    output: { format: "jsonl", withText: true, files: [...files] },
  } as const;
  await writeManifest(dir, manifest as unknown as RunFolder["manifest"]);
  folder = { dir, manifest: manifest as unknown as RunFolder["manifest"], hasDatabase: false };
});
afterEach(() => rmSync(dir, { recursive: true }));

test("the same query makes one call, and another query or model makes its own", async () => {
  const asked: string[] = [];
  const search = new RunSearch(async (model, text) => {
    asked.push(`${model} ${text}`);
    return text === "up" ? Float32Array.of(0, 1) : Float32Array.of(1, 0);
  });
  const best = async (text: string, of = folder) => (await search.search(of, text, 1)).hits[0]?.id;
  expect(await Promise.all([best("up"), best("up"), best("right")])).toEqual(["north", "north", "east"]);
  expect(await best("up")).toBe("north");
  expect(asked).toEqual(["fake/m up", "fake/m right"]);
  await best("up", { ...folder, manifest: { ...folder.manifest, model: "fake/n" } });
  expect(asked).toHaveLength(3);
});

test("the latest hundred queries are cached", async () => {
  let calls = 0;
  const search = new RunSearch(async () => {
    calls += 1;
    return Float32Array.of(1, 0);
  });
  for (let i = 0; i <= 100; i++) await search.search(folder, `question ${i}`, 1);
  await search.search(folder, "question 1", 1);
  expect(calls).toBe(101);
  await search.search(folder, "question 0", 1);
  expect(calls).toBe(102);
});

test("a failed query is not cached", async () => {
  let calls = 0;
  const search = new RunSearch(async () => {
    calls += 1;
    if (calls === 1) throw new ProviderError("down", { kind: "server", provider: "fake" });
    return Float32Array.of(1, 0);
  });
  await expect(search.search(folder, "x", 1)).rejects.toMatchObject({ code: "provider-failed" });
  expect((await search.search(folder, "x", 1)).hits).toHaveLength(1);
});
