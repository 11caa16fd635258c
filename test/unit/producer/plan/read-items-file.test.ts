import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { getItemsIndexPath } from "#src/producer/plan/items-file-index.ts";
import { readItemsFile } from "#src/producer/plan/read-items-file.ts";
import { collect, SourceFolder } from "#test/support/runs/source-folder.ts";

async function planItemsFile(folder: SourceFolder, items: number): Promise<string> {
  const lines = Array.from({ length: items }, (_, at) =>
    JSON.stringify({ id: `i${at}`, text: `文 ${at} ${"x".repeat(at % 500)}` }),
  );
  folder.write("r.jsonl", lines.join("\n"));
  const { itemsFile } = await folder.plan(["r.jsonl"], { chunk: undefined });
  if (itemsFile === undefined) throw new Error("refused");
  return itemsFile;
}

test("reading may start at any item, and several readers do not disturb each other", async () => {
  using folder = new SourceFolder();
  const itemsFile = await planItemsFile(folder, 3500);
  const starts = [0, 1, 999, 1000, 1001, 2500, 3499, 3500, 9999];
  const read = await Promise.all(starts.map((from) => collect(readItemsFile(itemsFile, { from }))));
  for (const [at, items] of read.entries()) {
    const from = starts[at] ?? 0;
    expect(items).toHaveLength(Math.max(0, 3500 - from));
    expect(items[0]?.index).toBe(from < 3500 ? from : undefined);
    for (const item of items) expect(item.id).toBe(`i${item.index}`);
  }
});

test("without its index, or with the index of another items file, the same items are read", async () => {
  using folder = new SourceFolder();
  const itemsFile = await planItemsFile(folder, 2500);
  const expected = await collect(readItemsFile(itemsFile, { from: 2100 }));
  const index = { version: 1, items: 2500, bytes: 1, offsets: [0, 17, 34] };
  for (const wrong of [JSON.stringify(index), "{", "null"]) {
    writeFileSync(getItemsIndexPath(itemsFile), wrong);
    expect(await collect(readItemsFile(itemsFile, { from: 2100 }))).toEqual(expected);
  }
  rmSync(getItemsIndexPath(itemsFile));
  expect(await collect(readItemsFile(itemsFile, { from: 2100 }))).toEqual(expected);
});

test("a missing or damaged items file is reported with what to do", async () => {
  using folder = new SourceFolder();
  const missing = join(folder.workDir, "items.jsonl");
  await expect(collect(readItemsFile(missing))).rejects.toMatchObject({
    name: "RunError",
    message: /are missing/,
  });
  writeFileSync(missing, '{"id":"a","text":"t","tokens":1}\n{"id":"b","te');
  await expect(collect(readItemsFile(missing))).rejects.toThrow("items.jsonl:2: the plan's items are damaged");
});

test("an aborted signal ends the reading", async () => {
  using folder = new SourceFolder();
  const itemsFile = await planItemsFile(folder, 10);
  await expect(collect(readItemsFile(itemsFile, { signal: AbortSignal.abort() }))).rejects.toThrow("aborted");
});
