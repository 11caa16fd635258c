// Writes the folder of a run that is in progress: plan, records and failures.
import { mkdir } from "node:fs/promises";
import { writeManifest } from "#src/producer/runs/run-manifest.ts";
import { ItemWriter } from "#src/producer/storage/item-writer.ts";
import { openRunStore } from "#src/producer/storage/open-run-store.ts";

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
  await mkdir(dir, { recursive: true });
  await writePlan(dir, items);
  const vectors = { layout: "flat", dimensions: DIMENSIONS } as const;
  const store = await openRunStore(dir, { items, now: Date.now, vectors });
  const vector = Buffer.from(new Float32Array(DIMENSIONS).fill(0.5).buffer);
  const startedAt = Date.now();
  for (let start = 0; start < items; start += STEP) {
    const records = Array.from({ length: Math.min(STEP, items - start) }, (_, i) => {
      const index = start + i;
      const call = { lane: model, startedAt, durationMs: 50 + ((index * 104_729) % 5_000) };
      const record = { index, attempts: 1, tokens: 60 + ((index * 7_919) % 200), call };
      const failure = { kind: "server", message: `HTTP 500 from upstream ${index % 200}` } as const;
      return index % failedEvery === 0 ? { ...record, failure } : { ...record, vector };
    });
    await store.write(records);
  }
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

async function writePlan(dir: string, items: number): Promise<void> {
  const writer = await ItemWriter.create(dir);
  for (let index = 0; index < items; index++) {
    const id = `corpus/part-${Math.floor(index / 1_000)}.md#${index % 1_000}`;
    const text = `Chunk ${index} of a corpus that is as long as a sentence or two of a document usually are.`;
    writer.append({ id, text, tokens: 22, metadata: JSON.stringify({ part: Math.floor(index / 1_000) }) });
  }
  await writer.commit();
}
