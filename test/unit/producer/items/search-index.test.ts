import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ItemFinder } from "#src/producer/items/item-finder.ts";
import { type IndexProgress, updateSearchIndex } from "#src/producer/items/search-index.ts";
import { deleteRunDatabase } from "#src/producer/storage/run-database.ts";
import { addRecords, writeRunDatabase } from "#test/support/runs/run-database-folder.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sluice-index-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const plan = (texts: readonly string[]) => texts.map((text, i) => ({ id: `item-${i}`, text, tokens: 1 }));

function search(text: string): number[] {
  using finder = new ItemFinder(dir);
  return [...finder.listIndices({ text })];
}

const listIndexFiles = () => readdirSync(dir).filter((name) => name.startsWith("run-search"));

function update(): IndexProgress[] {
  return [...updateSearchIndex(dir)];
}

test("the index is built in steps with progress, and duplicates are found by the text of their original", async () => {
  const items = [
    ...plan(Array.from({ length: 4_500 }, (_, i) => `text ${i}`)),
    { id: "copy", text: "", tokens: 1, duplicateOf: 7 },
  ];
  await writeRunDatabase(dir, items);
  expect(update()).toEqual([2_000, 4_000, 4_501].map((done) => ({ done, total: 4_501 })));
  expect(search('"text 7"')).toEqual([7, 4_500]);
  expect(update()).toEqual([]);
});

test("Chinese is found by any part of a sentence, Thai and Japanese too; case, width of quotes and accents do not matter", async () => {
  await writeRunDatabase(
    dir,
    plan(["我们的数据库连接超时了。", "数据和仓库", "データベースの接続", "ฐานข้อมูลหมดเวลา", "Ünïcode CAFÉ"]),
  );
  update();
  expect(search("数据库")).toEqual([0]);
  expect(search("接超")).toEqual([0]);
  expect(search("数据")).toEqual([0, 1]);
  expect(search("库 数")).toEqual([0, 1]);
  expect(search("ベース")).toEqual([2]);
  expect(search("ข้อมูล")).toEqual([3]);
  expect(search("unicode cafe")).toEqual([4]);
  expect(search('"cafe unicode"')).toEqual([]);
  expect(search("uni*")).toEqual([4]);
});

test("a build that was stopped, or whose process was killed, leaves nothing that is used", async () => {
  await writeRunDatabase(dir, plan(Array.from({ length: 5_000 }, () => "word")));
  const stopped = updateSearchIndex(dir);
  stopped.next();
  stopped.return(undefined);
  expect(listIndexFiles()).toEqual([]);
  const leftover = join(dir, "run-search.db.partial-1-x");
  writeFileSync(leftover, "half an index");
  utimesSync(leftover, 0, 0);
  using finder = new ItemFinder(dir);
  expect(finder.hasSearchIndex).toBe(false);
  expect(() => finder.find({ text: "word" }, { sort: { column: "index", descending: false }, limit: 1 })).toThrow(
    "not built",
  );
  update();
  expect(existsSync(leftover)).toBe(false);
  expect(search("word")).toHaveLength(5_000);
});

test("of two builds at once, both complete and one index remains", async () => {
  await writeRunDatabase(dir, plan(Array.from({ length: 5_000 }, () => "word")));
  const builds = [updateSearchIndex(dir), updateSearchIndex(dir)];
  while (builds.map((build) => build.next().done === true).includes(false));
  expect(listIndexFiles()).toEqual(["run-search.db"]);
  expect(search("word")).toHaveLength(5_000);
});

test("the index of an earlier run in the folder is not used, and is deleted with the database", async () => {
  await writeRunDatabase(dir, plan(["old text", "b"]));
  update();
  rmSync(join(dir, "run.db"));
  await writeRunDatabase(dir, plan(["new text", "b", "c"]));
  using finder = new ItemFinder(dir);
  expect(finder.hasSearchIndex).toBe(false);
  update();
  expect(search("old")).toEqual([]);
  expect(search("new")).toEqual([0]);
  await deleteRunDatabase(dir);
  expect(readdirSync(dir)).toEqual([]);
});

test("answers are found as they arrive, also those that replace an empty one, and once per item", async () => {
  await writeRunDatabase(dir, plan(["question one", "question two", "question three"]));
  addRecords(dir, [{ index: 0, answer: "alpha question", recordedAt: 1_000_000 }]);
  update();
  expect(search("alpha")).toEqual([0]);
  expect(search("question")).toEqual([0, 1, 2]);
  addRecords(dir, [
    { index: 1, answer: "数据库 beta", recordedAt: 2_000_000 },
    { index: 2, answer: "", recordedAt: 2_000_001 },
  ]);
  {
    using finder = new ItemFinder(dir);
    expect(finder.hasNewAnswers()).toBe(true);
    expect([...finder.listIndices({ isEmpty: true })]).toEqual([2]);
  }
  update();
  expect(search("数据")).toEqual([1]);
  using before = new ItemFinder(dir);
  expect(before.hasNewAnswers()).toBe(false);
  const { database } = await import("#src/producer/storage/run-database.ts").then(({ openRunDatabase }) =>
    openRunDatabase(dir),
  );
  database.exec('DELETE FROM records WHERE "index" = 2');
  database.close();
  addRecords(dir, [{ index: 2, answer: "gamma", recordedAt: 3_000_000 }]);
  update();
  expect(search("gamma")).toEqual([2]);
});

test("a user who may only read the folder finds items with an index of answers", async () => {
  await writeRunDatabase(dir, plan(["question"]), [{ index: 0, answer: "alpha" }]);
  update();
  for (const name of ["run.db", "run-search.db"]) {
    // The last connection that may write removes the WAL.
    const database = new DatabaseSync(join(dir, name));
    database.exec("SELECT * FROM sqlite_schema");
    database.close();
    chmodSync(join(dir, name), 0o444);
  }
  chmodSync(dir, 0o555);
  expect(readdirSync(dir).sort()).toEqual(["run-search.db", "run.db"]);
  const { href } = new URL("../../../../src/producer/items/item-finder.ts", import.meta.url);
  const script = `const { ItemFinder } = await import(${JSON.stringify(href)});
    if (process.getuid() === 0) process.setuid(65534);
    const finder = new ItemFinder(${JSON.stringify(dir)});
    process.stdout.write(JSON.stringify([...finder.listIndices({ text: "alpha" })]));`;
  const found = execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  chmodSync(dir, 0o755);
  expect(JSON.parse(found)).toEqual([0]);
});
