import { rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { Duplicates, DuplicatesBuilder } from "#src/producer/plan/duplicates.ts";
import { ItemsFileWriter } from "#src/producer/plan/items-file-writer.ts";
import { readDuplicates } from "#src/producer/plan/read-duplicates.ts";
import { TextIndex } from "#src/producer/plan/text-index.ts";
import { SourceFolder } from "#test/support/runs/source-folder.ts";

/** For each item the first equal one before it, as a list of texts says it. */
function findOriginals(texts: readonly string[]): Map<number, number> {
  const first = new Map<string, number>();
  const found = new Map<number, number>();
  for (const [index, text] of texts.entries()) {
    const original = first.get(text);
    if (original === undefined) first.set(text, index);
    else found.set(index, original);
  }
  return found;
}

const someTexts = fc.array(fc.constantFrom("a", "b", "c", "a\nb", "水闸", "x".repeat(300)), {
  maxLength: 60,
});

test("copies are found by their original and known as such, in memory and read back", () => {
  fc.assert(
    fc.property(someTexts, (texts) => {
      const expected = findOriginals(texts);
      const builder = new DuplicatesBuilder();
      for (const [copy, original] of expected) builder.add(copy, original);
      const of = { items: texts.length, itemsFileBytes: 77 };
      for (const duplicates of [builder.build(), Duplicates.decode(builder.build().encode(of), of)]) {
        expect(duplicates?.count).toBe(expected.size);
        for (const index of texts.keys()) {
          expect(duplicates?.isDuplicate(index)).toBe(expected.has(index));
          const wanted = [...expected].filter(([, original]) => original === index).map(([copy]) => copy);
          expect([...(duplicates?.of(index) ?? [])]).toEqual(wanted);
        }
        const pairs = [...(duplicates?.all() ?? [])].flatMap((one) =>
          [...one.duplicates].map((copy) => [copy, one.original]),
        );
        expect(new Map(pairs as [number, number][])).toEqual(expected);
      }
    }),
  );
});

test("a list that is damaged, truncated, or belongs to another items file is ignored", () => {
  const builder = new DuplicatesBuilder();
  for (let copy = 10; copy < 20; copy++) builder.add(copy, copy % 3);
  const of = { items: 20, itemsFileBytes: 512 };
  const bytes = builder.build().encode(of);
  expect(Duplicates.decode(bytes, { ...of, items: 21 })).toBeUndefined();
  expect(Duplicates.decode(bytes, { ...of, itemsFileBytes: 511 })).toBeUndefined();
  for (let at = 0; at < 28; at++) {
    const damaged = Buffer.from(bytes);
    damaged[at] = (damaged[at] ?? 0) ^ 0x10;
    expect(Duplicates.decode(damaged, of)).toBeUndefined();
  }
  for (let length = 0; length < bytes.length; length++)
    expect(Duplicates.decode(bytes.subarray(0, length), of)).toBeUndefined();
});

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
  const read = vi.spyOn(ItemsFileWriter.prototype, "read");
  expect(await folder.plan(["a.jsonl"], { chunk: undefined })).toMatchObject({ items: 2_000, duplicates: 1_000 });
  expect(read).not.toHaveBeenCalled();
  read.mockRestore();
});

test("without a complete list, the items file says which items are duplicates", async () => {
  using folder = new SourceFolder();
  folder.write("a.jsonl", ["x", "y", "x", "x", "y"].map((text, id) => JSON.stringify({ id, text })).join("\n"));
  const { itemsFile = "" } = await folder.plan(["a.jsonl"]);
  const list = join(folder.workDir, "duplicates.bin");
  const damages = [() => undefined, () => truncateSync(list, 40), () => writeFileSync(list, ""), () => rmSync(list)];
  for (const damage of damages) {
    damage();
    const duplicates = await readDuplicates(itemsFile, 5);
    expect([duplicates.count, [...duplicates.of(0)], [...duplicates.of(1)]]).toEqual([3, [2, 3], [4]]);
  }
});

test("the items file and the list of duplicates of format 1 are read", async () => {
  using folder = new SourceFolder();
  const lines = ["x", "y", "x"].map((text, index) => ({ id: `${index}`, text, tokens: 1 }));
  const stored = lines.map((line, index) => (index === 2 ? { ...line, sameAs: 0 } : line));
  const itemsFile = join(folder.workDir, "items.jsonl");
  writeFileSync(itemsFile, `${stored.map((line) => JSON.stringify(line)).join("\n")}\n`);
  const expected = [1, [2], false, true];
  const read = async () => {
    const duplicates = await readDuplicates(itemsFile, 3);
    return [duplicates.count, [...duplicates.of(0)], duplicates.isDuplicate(1), duplicates.isDuplicate(2)];
  };
  expect(await read()).toEqual(expected);
  // A list that differs from the items file shows that it is the one which was read.
  const list = new DuplicatesBuilder();
  list.add(1, 0);
  const bytes = list.build().encode({ items: 3, itemsFileBytes: statSync(itemsFile).size });
  writeFileSync(join(folder.workDir, "copies.bin"), bytes);
  expect(await read()).toEqual([1, [1], true, false]);
});
