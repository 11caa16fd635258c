import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { DuckDBInstance } from "@duckdb/node-api";
import { describe, expect, test } from "vitest";
import { FailedAttemptWriter } from "#src/producer/storage/failed-attempt-writer.ts";
import { RunReader } from "#src/producer/storage/run-reader.ts";
import { RUN_APPLICATION_ID, SCHEMA_VERSION } from "#src/producer/storage/schema.ts";
import { sampleVector } from "./support/sample-record.ts";
import { openStore, plannedFolder } from "./support/sample-records.ts";

const DOC = readFileSync(new URL("../../../../docs/run-database.md", import.meta.url), "utf8");
const STARTED = 1_795_000_000_000;
const DIMENSIONS = 4;
const ITEMS = 6;

const hasSqlite3 = (process.env.PATH ?? "").split(":").some((folder) => existsSync(join(folder, "sqlite3")));

/** Code blocks of the page, by language. */
function examples(language: string): string[] {
  return [...DOC.matchAll(/```(.+)\n([\s\S]*?)```/g)]
    .filter((match) => match[1] === language)
    .map((match) => match[2] ?? "");
}

/** A finished run: four vectors, one of them of a duplicate and one after a failed attempt, a failure, a waiting item. */
async function finishedRun(): Promise<string> {
  const dir = await plannedFolder([
    { id: "guide.md#0", text: "one", tokens: 1, metadata: { source: "guide.md" } },
    { id: "b", text: "two", tokens: 2 },
    { id: "c", text: "one", tokens: 1, duplicateOf: 0 },
    { id: "d", text: "四\u00004", tokens: 4 },
    { id: "e", text: "five", tokens: 5 },
    { id: "f", text: "six", tokens: 6 },
  ]);
  const store = await openStore(dir, ITEMS, { vectors: { layout: "flat", dimensions: DIMENSIONS } });
  const vector = (index: number) => Buffer.from(sampleVector(index, DIMENSIONS).buffer);
  const call = (index: number) => ({
    lane: index === 3 ? "q/m" : "p/m",
    startedAt: STARTED + index,
    durationMs: 100 + index,
  });
  const failure = {
    kind: "too-long",
    message: "too long",
    code: "1301",
    providerMessage: "Zu lang",
    param: "input",
  } as const;
  await store.write([
    { index: 0, attempts: 1, tokens: 10, vector: vector(0), call: call(0) },
    { index: 1, attempts: 2, tokens: 20, vector: vector(1), call: call(1) },
    { index: 3, attempts: 1, tokens: 30, vector: vector(3), call: call(3) },
    { index: 4, attempts: 1, tokens: 0, failure },
  ]);
  await store.sync();
  new FailedAttemptWriter(store.database).write(
    [
      {
        ...{ id: "5-0", at: STARTED + 5_000, startedAt: STARTED, durationMs: 40, attempt: 1, items: [1] },
        ...{ lane: "p/m", worker: "w1", kind: "server", code: "500", message: "HTTP 500" },
      },
    ],
    "5-0",
  );
  await store.finish();
  return dir;
}

const STATUSES = [
  { status: "failed", items: 1 },
  { status: "ok", items: 4 },
  { status: "waiting", items: 1 },
];

describe("a kept run.db", () => {
  test("has the documented version, tables, views, and columns", async () => {
    using database = new DatabaseSync(join(await finishedRun(), "run.db"), { readOnly: true });
    expect(database.prepare("PRAGMA application_id").get()).toEqual({ application_id: RUN_APPLICATION_ID });
    expect(database.prepare("PRAGMA user_version").get()).toEqual({ user_version: SCHEMA_VERSION });
    expect(DOC).toContain(`\`PRAGMA application_id\` is ${RUN_APPLICATION_ID}`);
    expect(DOC).toContain(`at present ${SCHEMA_VERSION}.`);
    const objects = database.prepare("SELECT name, type FROM sqlite_schema WHERE type IN ('table', 'view')").all();
    expect(objects.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["items", "records", "results", "attempts"]),
    );
    for (const { name, type } of objects) {
      const section = DOC.split(type === "table" ? "## Tables" : "## Views")[1]?.split("\n## ")[0] ?? "";
      expect(section).toContain(`\`${name}\``);
      const columns = database.prepare(`SELECT name FROM pragma_table_info('${name}')`).all();
      for (const column of columns) expect(section).toContain(`\`${column.name}\``);
    }
  });

  test("answers the examples of the page with rows", async () => {
    using database = new DatabaseSync(join(await finishedRun(), "run.db"), { readOnly: true });
    const answers = examples("sql").map((sql) => database.prepare(sql).all());
    expect(answers).toHaveLength(6);
    for (const rows of answers) expect(rows.length).toBeGreaterThan(0);
    expect(answers[3]).toEqual([
      { index: 1, attempt: 1, outcome: "failed", kind: "server", duration_ms: 40 },
      { index: 1, attempt: 2, outcome: "succeeded", kind: null, duration_ms: 101 },
    ]);
    expect(answers[4]).toEqual([
      { lane: "p/m", items: 3, tokens: 40, mean_ms: expect.closeTo(100.33, 1) },
      { lane: "q/m", items: 1, tokens: 30, mean_ms: 103 },
    ]);
  });

  test("says where the vectors are", async () => {
    const dir = await finishedRun();
    using database = new DatabaseSync(join(dir, "run.db"), { readOnly: true });
    const properties = database.prepare("SELECT name, value FROM properties").all();
    expect(Object.fromEntries(properties.map(({ name, value }) => [name, value]))).toMatchObject({
      dimensions: `${DIMENSIONS}`,
      layout: '"flat"',
    });
    const vectors = readFileSync(join(dir, ".work", "vectors.f32"));
    for (const { index, checksum } of database.prepare("SELECT * FROM records WHERE status = 'ok'").all()) {
      const at = 128 + Number(index) * DIMENSIONS * 4;
      const bytes = vectors.subarray(at, at + DIMENSIONS * 4);
      expect(crc32(bytes)).toBe(checksum);
      expect(new Float32Array(Uint8Array.from(bytes).buffer)).toEqual(
        sampleVector(index === 2 ? 0 : Number(index), DIMENSIONS),
      );
    }
  });

  test.skipIf(!hasSqlite3)("is read by the sqlite3 program (skipped if it is not installed)", async () => {
    const dir = await finishedRun();
    const run = (sql: string) => {
      const output = execFileSync("sqlite3", ["-readonly", "-json", join(dir, "run.db"), sql], { encoding: "utf8" });
      return JSON.parse(output);
    };
    expect(run("SELECT status, count(*) AS items FROM results GROUP BY status")).toEqual(STATUSES);
    for (const sql of examples("sql")) expect(run(sql).length).toBeGreaterThan(0);
    expect(run("PRAGMA integrity_check")).toEqual([{ integrity_check: "ok" }]);
  });

  test("is read by DuckDB as exported JSON", async () => {
    const dir = await finishedRun();
    using database = new DatabaseSync(join(dir, "run.db"), { readOnly: true });
    writeFileSync(join(dir, "results.json"), JSON.stringify(database.prepare("SELECT * FROM results").all()));
    const [sql = ""] = examples("sql duckdb-json");
    const rows = await queryDuckDb(sql.replace("results.json", join(dir, "results.json")));
    expect(rows.toSorted()).toEqual([
      ["failed", "1", "0"],
      ["ok", "4", "70"],
      ["waiting", "1", "null"],
    ]);
  });

  test("is read by DuckDB itself (skipped unless its sqlite extension is installed)", async ({ skip }) => {
    const [[isInstalled] = []] = await queryDuckDb(
      "SELECT installed FROM duckdb_extensions() WHERE extension_name = 'sqlite_scanner'",
    );
    if (isInstalled !== "true") {
      skip("DuckDB's sqlite extension is not installed, and tests do not download it");
    }
    const dir = await finishedRun();
    const [sql = ""] = examples("sql duckdb");
    expect((await queryDuckDb(sql.replace("run.db", join(dir, "run.db")))).toSorted()).toEqual([
      ["failed", "1"],
      ["ok", "4"],
    ]);
  });
});

async function queryDuckDb(sql: string): Promise<string[][]> {
  const instance = await DuckDBInstance.create(":memory:", { autoinstall_known_extensions: "false" });
  const connection = await instance.connect();
  try {
    const rows = (await connection.runAndReadAll(sql)).getRows();
    return rows.map((row) => row.map(String));
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

test("a reader finds items with their record, call, and vector, and the latest results", async () => {
  using reader = new RunReader(await finishedRun());
  expect(reader.read(4, 9).map(({ item, record }) => [item.id, record?.status])).toEqual([
    ["e", "failed"],
    ["f", undefined],
  ]);
  expect(reader.find(ITEMS)).toBeUndefined();
  const [first, duplicate, failed] = [reader.find(3), reader.find(2), reader.find(4)];
  expect(first).toMatchObject({
    item: { index: 3, id: "d", text: "四\u00004", tokens: 4 },
    record: { status: "ok", tokens: 30, attempts: 1 },
    call: { lane: "q/m", startedAt: STARTED + 3, durationMs: 103 },
  });
  expect(duplicate).toMatchObject({ item: { text: "one", duplicateOf: 0 }, record: { attempts: 0, tokens: 10 } });
  expect(failed?.record?.failure).toEqual({
    ...{ kind: "too-long", message: "too long", code: "1301" },
    ...{ providerMessage: "Zu lang", param: "input" },
  });
  expect(failed?.call).toBeUndefined();
  if (!first?.record || !failed?.record) throw new Error("no record");
  expect(await reader.readVector(first.record)).toEqual(sampleVector(3, DIMENSIONS));
  expect(await reader.readVector(failed.record)).toBeUndefined();
  expect(await reader.readVector({ ...first.record, checksum: 1 })).toBeUndefined();
  expect(reader.listLatest(2)).toHaveLength(2);
  expect(reader.listLatest(9).map(({ item }) => item.index)).toEqual([0, 1, 3]);
});
