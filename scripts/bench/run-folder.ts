// Writes the folder of a run that is in progress: plan, records, failures and call timings.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Duplicates } from "#src/producer/plan/duplicates.ts";
import { ItemsFileWriter } from "#src/producer/plan/items-file-writer.ts";
import { writeManifest } from "#src/producer/runs/run-manifest.ts";
import { CallTimings } from "#src/producer/storage/call-timings.ts";
import { WORK_FOLDER } from "#src/producer/storage/open-files.ts";
import { openVectorStore } from "#src/producer/storage/vector-store.ts";

export interface RunFolderOptions {
  readonly run: string;
  readonly model: string;
  readonly items: number;
  /** One in this many items has failed. */
  readonly failedEvery: number;
}

const DIMENSIONS = 4;
const STEP = 10_000;

/** Writes a record for every item. Resolves with the number of failed items. */
export async function writeRunFolder(
  dir: string,
  { run, model, items, failedEvery }: RunFolderOptions,
): Promise<number> {
  await mkdir(join(dir, WORK_FOLDER), { recursive: true });
  await writePlan(join(dir, WORK_FOLDER), items);
  const store = await openVectorStore(dir, { items, dimensions: DIMENSIONS });
  const timings = await CallTimings.open(dir, Date.now());
  const vector = Buffer.from(new Float32Array(DIMENSIONS).fill(0.5).buffer);
  const call = { lane: model, startedAt: Date.now(), durationMs: 120 };
  for (let start = 0; start < items; start += STEP) {
    const records = Array.from({ length: Math.min(STEP, items - start) }, (_, i) => {
      const index = start + i;
      const record = { index, attempts: 1, tokens: 90, call };
      const failure = { kind: "server", message: `HTTP 500 from upstream ${index % 200}` } as const;
      return index % failedEvery === 0 ? { ...record, failure } : { ...record, vector };
    });
    await store.write(records);
    timings.recordCalls(records);
  }
  await timings.close();
  await store.close();
  const { ok, failed, missing } = store.counts();
  await writeManifest(dir, {
    version: 1,
    run,
    kind: "embedding",
    type: "db",
    state: "running",
    sluice: "bench",
    model,
    source: {
      paths: ["corpus"],
      sha256: "",
      fingerprint: "",
      files: 1,
      skippedFiles: 0,
      documents: items,
      bytes: items * 100,
      items,
      estimatedTokens: items * 90,
      skippedInvalid: 0,
    },
    createdAt: new Date().toISOString(),
    activeMs: 60_000,
    items: { total: items, succeeded: ok, failed, missing },
    failuresByKind: { server: failed },
    tokens: items * 90,
    calls: { made: items / 10, answered: items / 10, failed: 0, throttled: 0, paidTwice: 0 },
    snoozes: 0,
    counters: {},
    dimensions: DIMENSIONS,
    output: { format: "parquet", withText: false, files: [] },
  });
  return failed;
}

async function writePlan(folder: string, items: number): Promise<void> {
  const itemsFile = await ItemsFileWriter.create(folder);
  for (let index = 0; index < items; index++) {
    const id = `corpus/part-${Math.floor(index / 1_000)}.md#${index % 1_000}`;
    const text = `Chunk ${index} of a corpus that is as long as a sentence or two of a document usually are.`;
    if (itemsFile.append(JSON.stringify({ id, text, tokens: 22 }))) await itemsFile.flush();
  }
  await itemsFile.commit(Duplicates.none);
}
