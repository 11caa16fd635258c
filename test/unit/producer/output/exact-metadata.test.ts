import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { finalize } from "#src/producer/output/finalize.ts";
import { RESULT_FILES } from "#src/producer/output/result-writer.ts";
import { openParquetItems } from "#src/producer/search/parquet-items.ts";
import { readResultLines } from "#src/producer/search/read-result-lines.ts";
import { SourceFolder } from "#test/support/runs/source-folder.ts";
import { sampleRecord } from "#test/unit/producer/storage/support/sample-record.ts";
import { openStore } from "#test/unit/producer/storage/support/sample-records.ts";

const METADATA = '{"big":12345678901234567890,"price":1.50,"rate":1e-7,"deep":[-0,{"n":0.1000000000000000055}]}';

test.each(["parquet", "jsonl", "npy"] as const)("numbers of metadata keep their digits in %s", async (format) => {
  using folder = new SourceFolder();
  folder.write("r.jsonl", `{"id":"a","text":"one","metadata":${METADATA}}\n`);
  await folder.items(["r.jsonl"]);
  const store = await openStore(folder.workDir, 1);
  await store.write([sampleRecord(0, 2)]);
  await store.sync();
  await finalize(store, folder.workDir, { format, withText: true, run: "r-1", model: "minimax/embo-01" });
  await store.close();
  const items = [];
  if (format === "parquet") {
    const path = join(folder.workDir, RESULT_FILES.parquet);
    for await (const group of (await openParquetItems(path)).read(0, { texts: true })) items.push(...group);
  } else {
    const path = join(folder.workDir, format === "npy" ? "items.jsonl" : RESULT_FILES.jsonl);
    expect(await readFile(path, "utf8")).toContain(`"metadata":${METADATA}`);
    for await (const group of readResultLines(path)) items.push(...group);
  }
  expect(items.map(({ metadata }) => JSON.stringify(metadata))).toEqual([METADATA]);
});
