import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Item } from "#src/core/item.ts";
import { finalize } from "#src/producer/output/finalize.ts";
import type { PublishedOutput } from "#src/producer/output/publish-output.ts";
import type { Plan } from "#src/producer/plan/plan.ts";
import { writeChatOutput } from "#src/producer/run-kinds/batch/write-chat-output.ts";
import { writeEmbeddingOutput } from "#src/producer/run-kinds/batch/write-embedding-output.ts";
import { createBaseManifest } from "#src/producer/runs/base-manifest.ts";
import { type RunManifest, writeManifest } from "#src/producer/runs/run-manifest.ts";
import { deleteRunDatabase } from "#src/producer/storage/run-database.ts";
import { answerRecord } from "#test/unit/producer/storage/support/sample-answer.ts";
import { failsAt, sampleRecord } from "#test/unit/producer/storage/support/sample-record.ts";
import { openStore, sampleItem, writePlan } from "#test/unit/producer/storage/support/sample-records.ts";

export const OUTPUT_KINDS = ["parquet", "jsonl", "npy", "batch-chat", "batch-embedding"] as const;
export type OutputKind = (typeof OUTPUT_KINDS)[number];

export interface SampleOutputOptions {
  readonly items?: number;
  readonly dimensions?: number;
  /** Default: every seventh item fails. */
  readonly hasFailures?: boolean;
  readonly withText?: boolean;
  /** Metadata of all items of an output with records. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

const DEFAULTS = { items: 40, dimensions: 5, hasFailures: true, withText: true };

/** Writes the output of a finished run into `dir`, as a run does. */
export async function writeSampleOutput(
  dir: string,
  kind: OutputKind,
  options: SampleOutputOptions = {},
): Promise<void> {
  const sample = { ...DEFAULTS, ...options };
  const { items, dimensions, hasFailures, withText } = sample;
  const { digests, files } = await writeFiles(dir, kind, sample);
  const failed = hasFailures ? Array.from({ length: items }, (_, i) => i).filter(failsAt).length : 0;
  const isBatch = kind.startsWith("batch-");
  const base = {
    ...createBaseManifest(
      "embedding",
      { paths: ["in"], dir, force: false, sluiceVersion: "0.2.0", now: 0 },
      plan(items),
    ),
    run: "r-1",
    state: "finished",
    model: "minimax/embo-01",
    items: { total: items, succeeded: items - failed, failed, missing: 0 },
    digests,
  } as const;
  const manifest: RunManifest = isBatch
    ? {
        ...base,
        kind: kind === "batch-chat" ? "chat" : "embedding",
        endpoint: kind === "batch-chat" ? "/v1/chat/completions" : "/v1/embeddings",
        models: ["minimax/embo-01"],
        output: { format: "batch", files: [...files] },
      }
    : {
        ...base,
        kind: "embedding",
        type: "db",
        dimensions,
        output: { format: kind as "parquet" | "jsonl" | "npy", withText, files: [...files] },
      };
  await writeManifest(dir, manifest);
  await deleteRunDatabase(dir);
  await rm(join(dir, ".work"), { recursive: true, force: true });
}

async function writeFiles(
  dir: string,
  kind: OutputKind,
  { items, dimensions, hasFailures, withText, metadata }: SampleOutputOptions & typeof DEFAULTS,
): Promise<PublishedOutput> {
  const about = { run: "r-1", model: "minimax/embo-01" };
  const indices = Array.from({ length: items }, (_, index) => index);
  // Record 2 is one that succeeded.
  const source = (index: number) => (failsAt(index) && !hasFailures ? 2 : index);
  if (kind === "batch-chat") {
    await writePlan(dir, batchItems(items));
    const store = await openStore(dir, items, { vectors: undefined });
    await store.write(
      indices.map((index) => {
        const record = answerRecord(source(index));
        const json = { text: `answer ${index}`, finishReason: { unified: "stop" }, usage: {} };
        return record.failure ? { ...record, index } : { ...record, index, json };
      }),
    );
    await store.sync();
    const written = await writeChatOutput(store, dir, about);
    await store.close();
    return written;
  }
  const layout = kind === "parquet" ? "pages" : "flat";
  const sampleItems = indices.map((index) => ({ ...sampleItem(index), ...(metadata && { metadata }) }));
  await writePlan(dir, kind === "batch-embedding" ? batchItems(items) : sampleItems);
  const store = await openStore(dir, items, { vectors: { dimensions, layout } });
  await store.write(indices.map((index) => ({ ...sampleRecord(source(index), dimensions), index })));
  await store.sync();
  const written =
    kind === "batch-embedding"
      ? await writeEmbeddingOutput(store, dir, about)
      : await finalize(store, dir, { format: kind, withText, ...about });
  await store.close();
  return written;
}

function batchItems(count: number): Item[] {
  const model = { model: "minimax/embo-01", part: 0, parts: 1 };
  return Array.from({ length: count }, (_, index) => ({ ...sampleItem(index), id: `q-${index}`, metadata: model }));
}

function plan(items: number): Plan {
  return {
    isAccepted: true,
    items,
    documents: items,
    files: 1,
    skippedFiles: 0,
    tokens: items,
    duplicates: 0,
    duplicateTokens: 0,
    bytes: 1,
    byKind: {},
    sourceHash: "",
    fingerprint: "",
    problems: [],
    notes: [],
    problemCount: 0,
  };
}
