import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SourceFolder } from "#test/support/runs/source-folder.ts";

let duckdb: DuckDBInstance;
beforeAll(async () => {
  duckdb = await DuckDBInstance.create(":memory:");
});
afterAll(() => duckdb.closeSync());

async function write(folder: SourceFolder, query: string, options = ""): Promise<void> {
  const connection = await duckdb.connect();
  await connection.run(`COPY (${query}) TO '${join(folder.path, "r.parquet")}' (FORMAT parquet${options})`);
  connection.closeSync();
}

/** The metadata of all items as JSON. */
async function metadata(folder: SourceFolder): Promise<string[]> {
  return (await folder.items(["r.parquet"])).map((item) => JSON.stringify(item.metadata));
}

test.each([
  ["12.30::DECIMAL(4,2)", "12.30"],
  ["-0.05::DECIMAL(9,2)", "-0.05"],
  ["123456789012.345678::DECIMAL(18,6)", "123456789012.345678"],
  ["-12345678901234567890123456789012.345678::DECIMAL(38,6)", "-12345678901234567890123456789012.345678"],
  ["9223372036854775807::BIGINT", "9223372036854775807"],
  ["18446744073709551615::UBIGINT", "18446744073709551615"],
  ["42::BIGINT", "42"],
  ["'NaN'::DOUBLE", '"NaN"'],
  ["'-Infinity'::FLOAT", '"-Infinity"'],
  ["0.1::DOUBLE", "0.1"],
  ["TIMESTAMP '2024-01-02 03:04:05.123456'", '"2024-01-02T03:04:05.123456Z"'],
  ["TIMESTAMP '1969-12-31 23:59:59.999999'", '"1969-12-31T23:59:59.999999Z"'],
  ["TIMESTAMP_NS '2024-01-02 03:04:05.123456789'", '"2024-01-02T03:04:05.123456789Z"'],
  ["TIMESTAMP '2024-01-02 03:04:05'", '"2024-01-02T03:04:05.000Z"'],
  ["INTERVAL '14 months 3 days 1500 milliseconds'", '"P14M3DT1.5S"'],
  [`'{"n":1.50,"m":12345678901234567890}'::JSON`, '{"n":1.50,"m":12345678901234567890}'],
  ["[1.10::DECIMAL(9,2), NULL]", "[1.10,null]"],
  ["{a: 1.10::DECIMAL(9,2), b: [{c: 2.00::DECIMAL(9,2)}]}", '{"a":1.10,"b":[{"c":2.00}]}'],
  ["MAP {'k': 2.50::DECIMAL(30,2)}", '{"k":2.50}'],
  ["'550e8400-e29b-41d4-a716-446655440000'::UUID", '"550e8400-e29b-41d4-a716-446655440000"'],
])("%s becomes %s", async (sql, json) => {
  using folder = new SourceFolder();
  await write(folder, `SELECT 'a' AS id, 'text' AS text, ${sql} AS v`);
  expect(await metadata(folder)).toEqual([`{"v":${json}}`]);
});

test("a number of any length is an id", async () => {
  using folder = new SourceFolder();
  await write(folder, "SELECT 12345678901234567890123::DECIMAL(38,0) AS id, 'text' AS text");
  expect((await folder.items(["r.parquet"])).map(({ id }) => id)).toEqual(["12345678901234567890123"]);
});

test.each(["uncompressed", "snappy", "gzip", "zstd", "brotli", "lz4", "lz4_raw"])("%s is read", async (codec) => {
  using folder = new SourceFolder();
  await write(folder, "SELECT i AS id, repeat('text ' || i, 20) AS text FROM range(3000) t(i)", `, CODEC ${codec}`);
  const items = await folder.items(["r.parquet"], { chunk: undefined });
  expect(items).toHaveLength(3000);
  expect(items[2999]?.text).toBe("text 2999".repeat(20));
});

test("columns with bytes are left out and named once; other fields of a struct remain", async () => {
  using folder = new SourceFolder();
  const image = "{bytes: 'x'::BLOB, path: i || '.png'}";
  await write(
    folder,
    `SELECT i AS id, 'text ' || i AS text, 'b'::BLOB AS raw, ${image} AS image, MAP {'k': 'v'::BLOB} AS m FROM range(2) t(i)`,
  );
  const plan = await folder.plan(["r.parquet"]);
  expect(plan.notes).toEqual(["r.parquet: columns with bytes are left out: raw, image.bytes, m.key_value.value"]);
  expect(await metadata(folder)).toEqual(['{"image":{"path":"0.png"}}', '{"image":{"path":"1.png"}}']);
});

test("pages are read in turn: every row is read once and in order, also of nested columns", async () => {
  using folder = new SourceFolder();
  const rows = 120_000;
  await write(
    folder,
    `SELECT i AS id, md5(i::VARCHAR) || repeat('x', (i % 7 * 100)::INT) AS text, [i, i + 1] AS l, i % 3 AS d FROM range(${rows}) t(i)`,
    `, CODEC uncompressed, ROW_GROUP_SIZE ${rows}`,
  );
  const items = await folder.items(["r.parquet"], { chunk: undefined });
  expect(items).toHaveLength(rows);
  for (const [index, { id, metadata: values }] of items.entries()) {
    if (id !== String(index)) throw new Error(`item ${index} is ${id}`);
    expect(values?.d).toBe(index % 3);
  }
  expect(items[rows - 1]?.metadata?.l).toEqual([rows - 1, rows]);
});

const cases = join(import.meta.dirname, "../../../../../../shared/cases/inputs");
if (!existsSync(cases)) console.warn(`skipped: ${cases} does not exist`);
describe.skipIf(!existsSync(cases))("shared cases", () => {
  test.each(["blob-column", "image-struct", "lz4"])("%s.parquet is read", async (name) => {
    using folder = new SourceFolder();
    copyFileSync(join(cases, `${name}.parquet`), join(folder.path, "r.parquet"));
    expect((await folder.items(["r.parquet"])).length).toBeGreaterThan(0);
  });
});
