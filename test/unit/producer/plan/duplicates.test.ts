import { expect, test, vi } from "vitest";
import { TextIndex } from "#src/producer/plan/text-index.ts";
import { ItemWriter } from "#src/producer/storage/item-writer.ts";
import { SourceFolder } from "#test/support/runs/source-folder.ts";

test("planning marks equal texts whatever their ids and files, and counts them", async () => {
  using folder = new SourceFolder();
  folder.write("a.jsonl", '{"id":"1","text":"same"}\n{"id":"2","text":"other"}\n{"id":"3","text":"same"}\n');
  folder.write("b.csv", "id,text\n4,same\n5,Same\n6,other\n");
  const plan = await folder.plan(["a.jsonl", "b.csv"]);
  expect(plan).toMatchObject({ items: 6, duplicates: 3, duplicateTokens: 3 });
  const items = await folder.items(["a.jsonl", "b.csv"]);
  expect(items.map(({ duplicateOf }) => duplicateOf)).toEqual([undefined, undefined, 0, 0, undefined, 1]);
});

test("duplicates far from their original are distinguished from texts with the same hash", async () => {
  using folder = new SourceFolder();
  const texts = Array.from({ length: 4_000 }, (_, i) => `${i % 3_000} ${"水 and gate ".repeat(20)}`);
  folder.write("a.jsonl", texts.map((text, id) => JSON.stringify({ id, text })).join("\n"));
  const items = await folder.items(["a.jsonl"], { chunk: undefined });
  expect(items.map(({ duplicateOf }) => duplicateOf)).toEqual(texts.map((_, i) => (i < 3_000 ? undefined : i - 3_000)));
});

test("a hundred thousand texts that differ in one place are all different, and are found again", () => {
  const index = new TextIndex();
  const textOf = (i: number) => `${"The same beginning. ".repeat(10)}${i}${" The same end.".repeat(10)}`;
  for (let i = 0; i < 100_000; i++) expect(index.findOrAdd(textOf(i), i)).toBeUndefined();
  for (let i = 0; i < 100_000; i += 997) expect(index.findOrAdd(textOf(i), -1)).toBe(i);
});

test("duplicates are found without reading their originals back from the disk", async () => {
  using folder = new SourceFolder();
  const texts = Array.from({ length: 2_000 }, (_, i) => `${i % 1_000} ${"water and gate ".repeat(40)}`);
  folder.write("a.jsonl", texts.map((text, id) => JSON.stringify({ id, text })).join("\n"));
  const read = vi.spyOn(ItemWriter.prototype, "read");
  expect(await folder.plan(["a.jsonl"], { chunk: undefined })).toMatchObject({ items: 2_000, duplicates: 1_000 });
  expect(read).not.toHaveBeenCalled();
  read.mockRestore();
});
