import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { asyncBufferFromFile, parquetReadObjects, type SchemaElement } from "hyparquet";
import { parquetWriteBuffer } from "hyparquet-writer";
import { describe, expect, test } from "vitest";
import { encodeNpyHeader, NPY_HEADER_BYTES } from "#src/producer/output/npy-header.ts";
import { verifyOutput } from "#src/producer/verify/verify-output.ts";
import { temporaryFolder } from "#test/unit/producer/storage/support/sample-records.ts";
import { type OutputKind, type SampleOutputOptions, writeSampleOutput } from "./support/sample-output.ts";

const DIMENSIONS = 5;

/** Rows of a file, which `rewrite` writes again in a valid file. */
interface RewrittenFile<R> {
  readonly kind: OutputKind;
  readonly name: string;
  readonly read: (path: string) => Promise<R[]>;
  readonly write: (path: string, rows: readonly R[]) => Promise<void>;
  readonly idOf: (row: number) => string | undefined;
}

const lines = (kind: OutputKind, name: string, idOf: (row: number) => string): RewrittenFile<unknown> => ({
  kind,
  name,
  idOf,
  read: async (path) => (await readFile(path, "utf8")).trimEnd().split("\n"),
  write: (path, rows) => writeFile(path, rows.map((row) => `${row}\n`).join("")),
});

const docId = (row: number) => `doc-${row}#"é`;
const requestId = (row: number) => `q-${row}`;

const required = { repetition_type: "REQUIRED" } as const;
const SCHEMA: SchemaElement[] = [
  { name: "root", num_children: 8 },
  { name: "id", type: "BYTE_ARRAY", converted_type: "UTF8", ...required },
  { name: "index", type: "INT32", ...required },
  { name: "status", type: "BYTE_ARRAY", converted_type: "UTF8", ...required },
  { name: "tokens", type: "INT32", ...required },
  { name: "attempts", type: "INT32", ...required },
  { name: "text", type: "BYTE_ARRAY", converted_type: "UTF8", ...required },
  { name: "metadata", type: "BYTE_ARRAY", converted_type: "JSON", repetition_type: "OPTIONAL" },
  { name: "vector", repetition_type: "OPTIONAL", num_children: 1, converted_type: "LIST" },
  { name: "list", repetition_type: "REPEATED", num_children: 1 },
  { name: "element", type: "FLOAT", ...required },
];

const parquet: RewrittenFile<unknown> = {
  kind: "parquet",
  name: "records.parquet",
  idOf: docId,
  read: async (path) => await parquetReadObjects({ file: await asyncBufferFromFile(path) }),
  write: async (path, rows) => {
    const records = rows as Record<string, unknown>[];
    const names = ["id", "index", "status", "tokens", "attempts", "text", "metadata", "vector"];
    const columnData = names.map((name) => ({ name, data: records.map((record) => record[name]) }));
    await writeFile(path, Buffer.from(parquetWriteBuffer({ schema: SCHEMA, columnData, codec: "SNAPPY" })));
  },
};

const vectors: RewrittenFile<unknown> = {
  kind: "npy",
  name: "vectors.npy",
  idOf: docId,
  read: async (path) => {
    const bytes = (await readFile(path)).subarray(NPY_HEADER_BYTES);
    return Array.from({ length: bytes.length / (DIMENSIONS * 4) }, (_, i) =>
      bytes.subarray(i * DIMENSIONS * 4, (i + 1) * DIMENSIONS * 4),
    );
  },
  write: (path, rows) =>
    writeFile(path, Buffer.concat([encodeNpyHeader(rows.length, DIMENSIONS), ...(rows as Buffer[])])),
};

const FILES: readonly RewrittenFile<unknown>[] = [
  lines("jsonl", "records.jsonl", docId),
  lines("npy", "items.jsonl", docId),
  lines("batch-chat", "output.jsonl", requestId),
  lines("batch-embedding", "output.jsonl", requestId),
  parquet,
  vectors,
];

async function rewriteOutput(
  file: RewrittenFile<unknown>,
  change: (rows: unknown[]) => void,
  options?: SampleOutputOptions,
) {
  const dir = await temporaryFolder();
  await writeSampleOutput(dir, file.kind, { dimensions: DIMENSIONS, hasFailures: false, ...options });
  const path = join(dir, file.name);
  const rows = await file.read(path);
  change(rows);
  await file.write(path, rows);
  const { problems, problemCount } = await verifyOutput(dir);
  // The first problem is that size or hash of the file differ.
  const ofRows = problems.filter(({ row, index }) => row !== undefined || index !== undefined);
  expect(problemCount - ofRows.length).toBe(1);
  return ofRows.map(({ row, index, id, message }) => ({ row, index, id, message }));
}

describe.each(FILES)("a valid $name of $kind by another writer", (file) => {
  const { idOf, name } = file;

  test("without changes has no problem but its hash", async () => {
    // Lines are written again byte for byte.
    if (name.endsWith(".jsonl") || name === "vectors.npy") return;
    expect(await rewriteOutput(file, () => undefined)).toEqual([]);
  });

  test.each([0, 17, 39])("names the row %i that was removed", async (row) => {
    expect(await rewriteOutput(file, (rows) => rows.splice(row, 1))).toEqual([
      { row: undefined, index: row, id: idOf(row), message: "the row is missing" },
    ]);
  });

  test("names several rows that were removed", async () => {
    const problems = await rewriteOutput(file, (rows) => [30, 12, 11].map((row) => rows.splice(row, 1)));
    expect(problems.map(({ index, message }) => [index, message])).toEqual(
      [11, 12, 30].map((row) => [row, "the row is missing"]),
    );
  });

  test("names a row that was added a second time", async () => {
    const problems = await rewriteOutput(file, (rows) => rows.splice(20, 0, rows[7]));
    expect(problems).toEqual([
      expect.objectContaining({ row: 20, index: 7, message: expect.stringContaining("the row repeats row 7") }),
    ]);
  });

  test("names a row that replaced another one", async () => {
    const problems = await rewriteOutput(file, (rows) => rows.splice(20, 1, rows[7]));
    expect(problems).toEqual([
      expect.objectContaining({ row: 20, index: 7, message: expect.stringContaining("the row repeats row 7") }),
      { row: undefined, index: 20, id: idOf(20), message: "the row is missing" },
    ]);
  });

  test("names both rows that were swapped", async () => {
    const problems = await rewriteOutput(file, (rows) => rows.splice(9, 1, ...rows.splice(30, 1, rows[9])));
    expect(problems.map(({ row, index }) => [row, index])).toEqual([
      [9, 30],
      [30, 9],
    ]);
    expect(problems[0]?.message).toBe(
      `the row is at another place; row 9 (${JSON.stringify(idOf(9))}) was written here`,
    );
  });

  test("names a row that was swapped with its neighbour", async () => {
    const problems = await rewriteOutput(file, (rows) => rows.splice(9, 2, rows[10], rows[9]));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ row: 9, index: 10, message: expect.stringContaining("another place") });
  });
});

test.each([
  ["id", "x", "the id differs"],
  ["index", 8, "the index differs"],
  ["status", "failed", "the status differs"],
  ["tokens", 99, "tokens, attempts or metadata differ"],
  ["attempts", 99, "tokens, attempts or metadata differ"],
  ["metadata", { page: 8 }, "tokens, attempts or metadata differ"],
  ["text", "other", "the text differs"],
  ["vector", [1, 2, 3, 4, 5], "the vector differs"],
  ["vector", null, "the vector differs"],
])("a record whose %s is %j", async (field, value, message) => {
  const [records] = FILES;
  if (!records) throw new Error("no files");
  const problems = await rewriteOutput(records, (rows) => {
    rows[7] = JSON.stringify({ ...JSON.parse(String(rows[7])), [field]: value });
  });
  expect(problems).toEqual([expect.objectContaining({ row: 7, index: 7, message })]);
});

test("a vector that became NaN", async () => {
  const problems = await rewriteOutput(vectors, (rows) => {
    rows[7] = Buffer.from(new Float32Array(DIMENSIONS).fill(Number.NaN).buffer);
  });
  expect(problems).toEqual([{ row: 7, index: 7, id: docId(7), message: "the vector differs" }]);
});

test("an error that was removed, and one that was edited", async () => {
  const errors = lines("jsonl", "errors.jsonl", docId);
  const problems = await rewriteOutput(
    errors,
    (rows) => {
      rows.splice(2, 1);
      rows[0] = String(rows[0]).replace("too long", "too short");
    },
    { hasFailures: true },
  );
  expect(problems).toEqual([
    { row: 0, index: 3, id: docId(3), message: "the error differs" },
    { row: undefined, index: 17, id: docId(17), message: "the row is missing" },
  ]);
});

test("only the first problems are named, and all are counted", async () => {
  const dir = await temporaryFolder();
  await writeSampleOutput(dir, "jsonl", { items: 3_000, hasFailures: false });
  const path = join(dir, "records.jsonl");
  const text = await readFile(path, "utf8");
  await writeFile(path, text.replaceAll('"attempts":1', '"attempts":2'));
  const { problems, problemCount } = await verifyOutput(dir);
  expect(problems).toHaveLength(20);
  expect(problemCount).toBe(1 + text.split('"attempts":1').length - 1);
});
