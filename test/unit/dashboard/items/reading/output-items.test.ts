import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import { findOutputItems, type OutputItemFilter } from "#src/dashboard/items/reading/find-output-items.ts";
import { LineFile } from "#src/dashboard/items/reading/line-file.ts";
import { RunItemReader } from "#src/dashboard/items/reading/run-item-reader.ts";
import type { RunFolder } from "#src/dashboard/runs/run-folder.ts";
import { finalize } from "#src/producer/output/finalize.ts";
import { openStore, writePlan } from "#test/unit/producer/storage/support/sample-records.ts";

const COUNT = 2_500;
const idOf = (index: number) => (index === 1_700 ? 'odd "quoted" \\ 文本' : `Doc-${index}`);
const textOf = (index: number) => (index % 1_000 === 7 ? "grey Herons" : "ships");

const reader = new RunItemReader();

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sluice-output-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

type Format = "parquet" | "jsonl" | "npy" | "batch";

async function finished(format: Format): Promise<RunFolder> {
  if (format === "batch") {
    const lines = Array.from({ length: COUNT }, (_, i) =>
      JSON.stringify({
        custom_id: idOf(i),
        response: { body: { content: textOf(i), usage: { total_tokens: 4 } } },
      }),
    );
    writeFileSync(join(dir, "output.jsonl"), `${lines.join("\n")}\n`);
  } else {
    const items = Array.from({ length: COUNT }, (_, i) => {
      return { id: idOf(i), text: textOf(i), tokens: 4, metadata: { source: `${i}.md` } };
    });
    await writePlan(dir, items);
    const store = await openStore(dir, COUNT);
    const vector = Buffer.from(Float32Array.of(1, 2).buffer);
    const records = Array.from({ length: COUNT }, (_, index) => ({ index, attempts: 1, tokens: 4, vector }));
    await store.write(records);
    await store.sync();
    await finalize(store, dir, { format, withText: true, run: "r", model: "fake/m" });
    await store.close();
    rmSync(join(dir, ".work"), { recursive: true });
  }
  const manifest = { items: { total: COUNT, failed: 0 }, output: { format }, kind: "embedding" };
  return { dir, hasDatabase: false, manifest: manifest as unknown as RunFolder["manifest"] };
}

/** All matching items, page by page, and the number of pages. */
async function all(folder: RunFolder, search: Partial<OutputItemFilter>) {
  const found: string[] = [];
  let from = 0;
  for (let pages = 1; ; pages += 1) {
    const page = await findOutputItems(reader.outputs, folder, { id: "", terms: [], limit: 200, ...search, from });
    found.push(...page.items.map(({ id }) => id));
    if (page.next === undefined) return { found, pages, searchedShare: page.searchedShare };
    expect(Number(page.next)).toBeGreaterThan(from);
    from = Number(page.next);
  }
}

describe.each<Format>(["parquet", "jsonl", "npy", "batch"])("a finished %s output", (format) => {
  it("is listed in order, whatever the page size, and found by id and by text", async () => {
    const folder = await finished(format);
    const ids = Array.from({ length: COUNT }, (_, i) => idOf(i));
    expect((await all(folder, {})).found).toEqual(ids);
    expect((await all(folder, { limit: 7, id: "doc-12" })).found).toEqual(
      ids.filter((id) => id.toLowerCase().includes("doc-12")),
    );
    expect((await all(folder, { id: '"QUOTED" \\ 文' })).found).toEqual([idOf(1_700)]);
    expect((await all(folder, { terms: ["HERONS", "grey"] })).found).toEqual([...["Doc-7", "Doc-1007", "Doc-2007"]]);
    expect(await all(folder, { id: "nowhere" })).toMatchObject({ found: [], searchedShare: 1 });
  });

  it.each([-1, Number.NaN])("is not listed from %s on, and later pages are right", async (from) => {
    const folder = await finished(format);
    const page = findOutputItems(reader.outputs, folder, { id: "", terms: [], limit: 9, from });
    await expect(page).rejects.toThrow("not the cursor");
    expect((await all(folder, {})).found).toHaveLength(COUNT);
  });

  it("returns one item with everything that it contains", async () => {
    const folder = await finished(format);
    for (const index of [COUNT - 1, 0, 1_700, 1_000]) {
      expect(await reader.readItem(folder, index)).toMatchObject({
        ...{ index, id: idOf(index), status: "succeeded", tokens: 4 },
        ...(format === "batch"
          ? { answer: { content: textOf(index) } }
          : { text: textOf(index), attempts: 1, metadata: { source: `${index}.md` } }),
      });
    }
    expect(await reader.readItem(folder, COUNT)).toBeUndefined();
  });
});

test("an output that was rewritten is not read with the offsets of the old one", async () => {
  const folder = await finished("batch");
  expect((await reader.readItem(folder, 2_000))?.id).toBe("Doc-2000");
  const line = (i: number) => `${JSON.stringify({ custom_id: `a much longer name ${i}` })}\n`;
  writeFileSync(join(dir, "output.jsonl"), Array.from({ length: COUNT }, (_, i) => line(i)).join(""));
  expect((await reader.readItem(folder, 2_000))?.id).toBe("a much longer name 2000");
});

test("a missing output is reported with its own reason", async () => {
  const folder = await finished("jsonl");
  rmSync(join(dir, "records.jsonl"));
  await expect(findOutputItems(reader.outputs, folder, { id: "", terms: [], from: 0, limit: 5 })).rejects.toMatchObject(
    {
      code: "folder-on-other-host",
      reason: "output-missing",
    },
  );
});

test("lines are read from any line on, across the boundaries of reads and characters", async () => {
  const path = join(dir, "lines");
  writeFileSync(path, "");
  const lines = Array.from({ length: 3_456 }, (_, i) => `${i} ${"文".repeat((i * 7_919) % 601)}`);
  appendFileSync(path, lines.join("\n"));
  const file = new LineFile(path);
  const readFrom = async (from: number, of = file) => {
    const found: string[] = [];
    for await (const { first, lines: some, next } of of.read(from)) {
      if (some.length > 0) expect(first).toBe(from + found.length);
      found.push(...some);
      expect(next).toBeLessThanOrEqual(lines.length);
    }
    return found;
  };
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: 3_600 }), fc.boolean(), async (from, isFresh) => {
      const found = await readFrom(from, isFresh ? new LineFile(path) : file);
      expect(found.length).toBe(Math.max(0, lines.length - from));
      expect(found[0]).toBe(lines[from]);
      expect(found.at(-1)).toBe(from < lines.length ? lines.at(-1) : undefined);
    }),
    { numRuns: 25 },
  );
});
