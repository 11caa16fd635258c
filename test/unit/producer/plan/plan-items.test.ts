import { existsSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { fingerprintSources } from "#src/producer/plan/fingerprint-sources.ts";
import type { PlanProgress } from "#src/producer/plan/plan.ts";
import { readItems } from "#src/producer/storage/read-items.ts";
import { collect, SourceFolder } from "#test/support/runs/source-folder.ts";

const english = "The gate lets through what the channel below can take. ".repeat(12).trim();
const chinese = "水闸放行的水量，恰好是下游渠道能承受的。".repeat(12);

test("a mixed corpus becomes items in order, with ids, estimates and metadata", async () => {
  using folder = new SourceFolder();
  folder.write("docs/guide.md", `# Gates\n\n${english}\n\n## 水闸\n\n${chinese}\n`);
  folder.write("docs/note.txt", "A short note.\n");
  folder.write(
    "poems.jsonl",
    '{"id":"p1","text":"床前明月光","metadata":{"author":"李白"},"year":701}\n\n{"text":"no id"}',
  );
  const items = await folder.items(["docs", "poems.jsonl"]);
  const ids = items.map((item) => item.id);
  expect(ids.filter((id) => id.startsWith("guide.md#"))).toEqual(ids.slice(0, -3).map((_, at) => `guide.md#${at}`));
  expect(ids.slice(-3)).toEqual(["note.txt#0", "p1", "poems.jsonl:3"]);
  expect(items.map((item) => item.index)).toEqual(items.map((_, at) => at));
  for (const item of items) expect(item.tokens).toBeLessThanOrEqual(64);
  expect(items[0]?.metadata).toEqual({ source: "guide.md", chunk: 0, headings: ["Gates"] });
  expect(items.at(-4)?.metadata).toMatchObject({ headings: ["Gates", "水闸"] });
  expect(items.at(-3)).toMatchObject({ text: "A short note.", metadata: { source: "note.txt", chunk: 0 } });
  expect(items.at(-2)?.metadata).toEqual({ author: "李白", year: 701 });
  expect(items.at(-1)).not.toHaveProperty("metadata");
});

test("the plan counts what it holds", async () => {
  using folder = new SourceFolder();
  folder.write("a.md", english);
  folder.write("b.jsonl", '{"text":"one"}\n{"text":"two"}\n');
  folder.write("c.png", "x");
  const plan = await folder.plan(["."]);
  const items = await folder.items(["."]);
  expect(plan).toMatchObject({
    items: items.length,
    documents: 3,
    files: 2,
    skippedFiles: 1,
    tokens: items.reduce((sum, item) => sum + item.tokens, 0),
    bytes: Buffer.byteLength(english) + 30,
    byKind: { markdown: { files: 1, items: items.length - 2 }, jsonl: { files: 1, items: 2 } },
    problems: [],
    problemCount: 0,
  });
  expect(plan.sourceHash).toMatch(/^[0-9a-f]{64}$/);
});

test("without chunks every document and record is one item under its own name", async () => {
  using folder = new SourceFolder();
  folder.write("long.md", `# T\n\n${english}\n`);
  folder.write("b.jsonl", JSON.stringify({ id: 7, text: chinese }));
  const items = await folder.items(["long.md", "b.jsonl"], { chunk: undefined });
  expect(items.map((item) => [item.id, item.text])).toEqual([
    ["long.md", `# T\n\n${english}\n`],
    ["7", chinese],
  ]);
  expect(items[0]?.metadata).toEqual({ source: "long.md" });
});

test("without chunks, a text above the model's limit is a problem that names the item and both numbers", async () => {
  using folder = new SourceFolder();
  folder.write("b.jsonl", `{"id":"short","text":"ok"}\n${JSON.stringify({ id: "long", text: english })}`);
  expect(await folder.problems(["b.jsonl"], { chunk: undefined, maxTokens: 50 })).toEqual([
    expect.stringMatching(/^b\.jsonl:2: item "long" has about \d+ tokens, and the model accepts 50; remove --no-chunk/),
  ]);
});

test("a record is cut only when it is longer than a chunk, and keeps its metadata in every piece", async () => {
  using folder = new SourceFolder();
  const records = [
    { id: "whole", text: "  kept as it is \n", lang: "en" },
    { id: "cut", text: english, lang: "en" },
  ];
  folder.write("r.jsonl", records.map((record) => JSON.stringify(record)).join("\r\n"));
  const items = await folder.items(["r.jsonl"]);
  expect(items[0]).toMatchObject({ id: "whole", text: "  kept as it is \n" });
  expect(items.slice(1).map((item) => item.id)).toEqual(items.slice(1).map((_, at) => `cut#${at}`));
  expect(items.length).toBeGreaterThan(3);
  for (const item of items) expect(item.metadata).toEqual({ lang: "en" });
});

test("standard input is JSONL", async () => {
  using folder = new SourceFolder();
  const stdin = Readable.from(['{"id":"a","te', 'xt":"one"}\n{"text":', '"two"}']);
  const items = await folder.items(["-"], { stdin });
  expect(items.map((item) => item.id)).toEqual(["a", "stdin:2"]);
  expect(await folder.problems(["-"])).toEqual(["stdin: no standard input was given"]);
});

test("a limit stops the plan after so many items", async () => {
  using folder = new SourceFolder();
  folder.write("a.md", english);
  folder.write("b.jsonl", '{"text":"one"}\n{"text":"two"}\nnot json\n');
  const all = await folder.items(["a.md"]);
  expect((await folder.items(["a.md"], { limit: 2 })).map((item) => item.id)).toEqual(["a.md#0", "a.md#1"]);
  const most = all.length + 1;
  expect((await folder.items(["a.md", "b.jsonl"], { limit: most })).at(-1)?.id).toBe("b.jsonl:1");
});

test("a problem rejects the plan and leaves no database, and the database of an earlier plan stays unchanged", async () => {
  using folder = new SourceFolder();
  folder.write("good.jsonl", '{"text":"one"}');
  folder.write("bad.jsonl", '{"text":"one"}\n{"text":}');
  expect(await folder.plan(["bad.jsonl"])).toMatchObject({ isAccepted: false, problemCount: 1 });
  expect(readdirSync(folder.workDir)).toEqual([]);
  await folder.plan(["good.jsonl"]);
  const before = await collect(readItems(folder.workDir));
  await folder.plan(["bad.jsonl"]);
  expect(await collect(readItems(folder.workDir))).toEqual(before);
  expect(readdirSync(folder.workDir)).not.toContain("run.db.partial");
});

test("with skipInvalid the bad is left out and counted", async () => {
  using folder = new SourceFolder();
  folder.write("r.jsonl", '{"id":1,"text":"one"}\nnope\n{"id":1,"text":"again"}\n{"id":2,"text":"two"}');
  folder.write("binary.md", Uint8Array.of(35, 0, 1));
  const plan = await folder.plan(["r.jsonl", "binary.md", "gone.md"], { skipInvalid: true });
  expect(plan).toMatchObject({ items: 2, documents: 2, problemCount: 4 });
  expect((await folder.items(["r.jsonl"], { skipInvalid: true })).map((item) => item.id)).toEqual(["1", "2"]);
});

test("a plan without any item is refused even with skipInvalid", async () => {
  using folder = new SourceFolder();
  folder.write("blank.jsonl", "\n\n");
  const plan = await folder.plan(["blank.jsonl"], { skipInvalid: true });
  expect(plan).toMatchObject({
    isAccepted: false,
    problems: [{ where: "blank.jsonl", message: "contains no items" }],
  });
});

test("only the first thousand problems are kept and all are counted", async () => {
  using folder = new SourceFolder();
  folder.write("r.jsonl", "x\n".repeat(1500));
  const plan = await folder.plan(["r.jsonl"]);
  expect(plan.problems).toHaveLength(1000);
  expect(plan.problemCount).toBe(1500);
});

test("a duplicate id names both places, over files, chunks and their records", async () => {
  using folder = new SourceFolder();
  folder.write("a.jsonl", `{"id":"x","text":"one"}\n${JSON.stringify({ id: "long", text: english })}`);
  folder.write("b.csv", "id,text\ny,fine\nx,again\nlong,short\nlong#1,sly\na.md#0,chunk of a document");
  folder.write("a.md", "document");
  expect(await folder.problems(["a.jsonl", "b.csv", "a.md"])).toEqual([
    'b.csv:3: the id "x" is already used by a.jsonl:1; every item needs its own',
    'b.csv:4: the id "long" is already used by a.jsonl:2; every item needs its own',
    'b.csv:5: the id "long#1" is already used by a.jsonl:2; every item needs its own',
    'a.md: the id "a.md#0" is already used by b.csv:6; every item needs its own',
  ]);
  expect((await folder.problems(["b.csv", "a.jsonl"])).filter((each) => each.includes('"long"'))).toEqual([
    'a.jsonl:2: the id "long" is already used by b.csv:4; every item needs its own',
  ]);
});

test("ids are compared exactly among very many, and no false duplicate is found", async () => {
  using folder = new SourceFolder();
  const lines = Array.from({ length: 30_000 }, (_, at) => `{"id":${at},"text":"t"}`);
  folder.write("r.jsonl", [...lines, '{"id":"12345","text":"t"}'].join("\n"));
  expect(await folder.problems(["r.jsonl"])).toEqual([
    'r.jsonl:30001: the id "12345" is already used by r.jsonl:12346; every item needs its own',
  ]);
});

test("the source hash changes with content and names, not with the time of the files", async () => {
  using folder = new SourceFolder();
  const path = folder.write("a.md", "one text");
  const { sourceHash } = await folder.plan(["a.md"]);
  utimesSync(path, 1, 1);
  expect((await folder.plan(["a.md"])).sourceHash).toBe(sourceHash);
  writeFileSync(path, "two text");
  expect((await folder.plan(["a.md"])).sourceHash).not.toBe(sourceHash);
  folder.write("b.md", "one text");
  expect((await folder.plan(["b.md"])).sourceHash).not.toBe(sourceHash);
});

test("the fingerprint is the plan's while nothing changed, and another after any change", async () => {
  using folder = new SourceFolder();
  const path = folder.write("docs/a.md", "one text");
  const options = folder.options(["docs"]);
  const first = await fingerprintSources(options);
  expect((await folder.plan(["docs"])).fingerprint).toBe(first);
  expect(await fingerprintSources({ ...options, chunk: undefined })).not.toBe(first);
  expect(await fingerprintSources({ ...options, textField: "body" })).not.toBe(first);
  utimesSync(path, 1, 1);
  const touched = await fingerprintSources(options);
  expect(touched).not.toBe(first);
  folder.write("docs/b.md", "more");
  expect(await fingerprintSources(options)).not.toBe(touched);
});

test("an aborted planning leaves nothing behind", async () => {
  using folder = new SourceFolder();
  folder.write("r.jsonl", '{"text":"t"}\n'.repeat(50_000));
  const abort = new AbortController();
  const planning = folder.plan(["r.jsonl"], {}, { signal: abort.signal, onProgress: () => abort.abort() });
  await expect(planning).rejects.toThrow("aborted");
  expect(readdirSync(folder.workDir)).toEqual([]);
});

test("waiting for standard input can be aborted, and an input that fails is a problem", async () => {
  using folder = new SourceFolder();
  const reason = new Error("stopped by hand");
  const abort = new AbortController();
  const silent = new Readable({ read: () => abort.abort(reason) });
  await expect(folder.plan(["-"], { stdin: silent }, { signal: abort.signal })).rejects.toBe(reason);
  expect(readdirSync(folder.workDir)).toEqual([]);
  const failing = new Readable({
    read() {
      this.destroy(Object.assign(new Error("read"), { code: "EIO" }));
    },
  });
  expect(await folder.problems(["-"], { stdin: failing })).toEqual(["stdin: cannot be read (EIO)"]);
});

test("what a killed planning left is overwritten by the next", async () => {
  using folder = new SourceFolder();
  writeFileSync(join(folder.workDir, "run.db.partial"), "half a database");
  folder.write("r.jsonl", '{"text":"one"}');
  expect(await folder.items(["r.jsonl"])).toHaveLength(1);
  expect(readdirSync(folder.workDir).filter((name) => name.includes("partial"))).toEqual([]);
});

test("progress ends with everything read", async () => {
  using folder = new SourceFolder();
  folder.write("a.md", "one");
  folder.write("b.md", "two");
  const seen: PlanProgress[] = [];
  await folder.plan(["."], {}, { onProgress: (progress) => seen.push(progress) });
  expect(seen.at(-1)).toEqual({ files: 2, filesTotal: 2, bytes: 6, bytesTotal: 6, items: 2, problems: 0 });
});

test("options that cannot be are named", async () => {
  using folder = new SourceFolder();
  folder.write("a.md", "one");
  await expect(folder.plan([])).rejects.toThrow("no sources were given");
  await expect(folder.plan(["a.md"], { limit: 0 })).rejects.toThrow("--limit: expected a whole number from 1");
  const chunk = { tokens: 100, overlap: 60 };
  await expect(folder.plan(["a.md"], { chunk })).rejects.toThrow("--chunk-overlap: expected a whole number");
  await expect(folder.plan(["a.md"], { chunk: { tokens: 4, overlap: 0 } })).rejects.toThrow("--chunk-tokens");
  await expect(folder.plan(["a.md"], { maxTokens: 50 })).rejects.toThrow("64 is more than the 50 tokens");
});

test("a work folder that cannot be made is named", async () => {
  using folder = new SourceFolder();
  folder.write("a.md", "one");
  const file = folder.write("file", "x");
  const planning = import("#src/producer/plan/plan-items.ts").then(({ planItems }) =>
    planItems(folder.options(["a.md"]), join(file, "work")),
  );
  await expect(planning).rejects.toThrow(/file\/work: cannot be written \(ENOTDIR\)/);
});

const data = join(import.meta.dirname, "../../../../../shared/data");
describe.skipIf(!existsSync(data))(`real sources (skipped when ${data} is absent)`, () => {
  test("a book and twenty thousand poems are planned without a problem", async () => {
    using folder = new SourceFolder();
    const plan = await folder.plan(["rust-book", "tang-poems.jsonl"], {
      cwd: data,
      chunk: { tokens: 400, overlap: 40 },
    });
    expect(plan).toMatchObject({ documents: 20_112, files: 113, skippedFiles: 0, problemCount: 0 });
    expect(plan.items).toBeGreaterThan(20_112);
  });
});
