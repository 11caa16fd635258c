import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { expect, test } from "vitest";
import { SourceFolder } from "#test/support/runs/source-folder.ts";

const listMetadata = async (folder: SourceFolder, name: string, metadataFields: readonly string[]) =>
  (await folder.items([name], { metadataFields })).map(({ metadata }) => metadata);

test("only the chosen fields of a record become metadata, also those of a nested object", async () => {
  using folder = new SourceFolder();
  const record = { id: 1, text: "a", title: "t", year: 2026, metadata: { year: 1, page: 7, rest: 8 } };
  folder.write("r.jsonl", JSON.stringify(record));
  folder.write("r.json", JSON.stringify([record]));
  for (const name of ["r.jsonl", "r.json"]) {
    expect(await listMetadata(folder, name, ["page", "year", "missing"])).toEqual([{ page: 7, year: 2026 }]);
    expect(await listMetadata(folder, name, ["metadata"])).toEqual([{ year: 2026, page: 7, rest: 8 }]);
    expect(await listMetadata(folder, name, [])).toEqual([undefined]);
  }
});

test("invalid text in a field that nobody asked for is no problem", async () => {
  using folder = new SourceFolder();
  folder.write("r.jsonl", String.raw`{"id":1,"text":"a","bad":"\ud83d","good":1}`);
  expect(await listMetadata(folder, "r.jsonl", ["good"])).toEqual([{ good: 1 }]);
  expect(await folder.problems(["r.jsonl"], { metadataFields: ["bad"] })).toHaveLength(1);
});

test("a column that a CSV or Parquet file does not have is noted once", async () => {
  using folder = new SourceFolder();
  folder.write("r.csv", "id,text,title,year\n1,a,t,2026\n2,b,u,2025\n");
  const plan = await folder.plan(["r.csv"], { metadataFields: ["title", "titel"] });
  expect(plan.notes).toEqual(['r.csv: has no column "titel" (--metadata-fields)']);
  expect(await listMetadata(folder, "r.csv", ["title"])).toEqual([{ title: "t" }, { title: "u" }]);
});

test("columns of Parquet files that nobody asked for are not read", async () => {
  using folder = new SourceFolder();
  const path = join(folder.path, "r.parquet");
  const duckdb = await DuckDBInstance.create(":memory:");
  const connection = await duckdb.connect();
  const columns = "i AS id, 'text ' || i AS text, i % 7 AS year, [i, i] AS list, 'unwanted ' || i AS other";
  await connection.run(
    `COPY (SELECT ${columns} FROM range(5000) t(i)) TO '${path}' (FORMAT parquet, CODEC uncompressed)`,
  );
  connection.closeSync();
  duckdb.closeSync();
  // The pages of the last column, which a reader would reject.
  const bytes = readFileSync(path);
  bytes.fill(0xff, bytes.indexOf("unwanted 0") - 30, bytes.lastIndexOf("unwanted 4999") - 30);
  folder.write("r.parquet", bytes);
  expect(await folder.problems(["r.parquet"])).not.toEqual([]);
  const metadata = await listMetadata(folder, "r.parquet", ["year", "list"]);
  expect([metadata.length, metadata[4_999]]).toEqual([5_000, { year: 1, list: [4_999, 4_999] }]);
  expect((await listMetadata(folder, "r.parquet", []))[4_999]).toBeUndefined();
  const missing = await folder.plan(["r.parquet"], { metadataFields: ["year", "titel"] });
  expect(missing.notes).toEqual(['r.parquet: has no column "titel" (--metadata-fields)']);
});
