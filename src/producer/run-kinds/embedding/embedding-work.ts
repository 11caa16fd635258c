import { type AnswerCacheDeps, openAnswerResolver } from "#src/producer/cache/open-answer-resolver.ts";
import { createRunEmbeddingKey } from "#src/producer/cache/run-answer-keys.ts";
import { finalize } from "#src/producer/output/finalize.ts";
import { readDuplicates } from "#src/producer/plan/read-duplicates.ts";
import { readItemsFile } from "#src/producer/plan/read-items-file.ts";
import type { RunWork } from "#src/producer/runs/execute-run.ts";
import type { EmbeddingManifest } from "#src/producer/runs/run-manifest.ts";
import { openRecordStore, type RecordStore } from "#src/producer/storage/record-store.ts";
import { queueName } from "#src/queues/names.ts";
import { createEmbeddingJobs } from "./embedding-jobs.ts";

export interface EmbeddingRun {
  readonly dir: string;
  readonly itemsFile: string;
  readonly manifest: EmbeddingManifest;
  /** Of the one model that embeds. */
  readonly provider: string;
  readonly model: string;
  /** Inputs of one upstream call. */
  readonly inputsPerCall: number;
  /** Answers texts from a cache, and agrees with other runs on who asks. */
  readonly answerCache?: AnswerCacheDeps;
}

/** Embeds items and writes their vectors in the form that the run's manifest names. */
export function embeddingWork(run: EmbeddingRun): RunWork<RecordStore> {
  const { dir, itemsFile, manifest, provider, model, inputsPerCall, answerCache } = run;
  const payload = { run: manifest.run, provider, model, purpose: manifest.type };
  const { format, withText } = manifest.output;
  return {
    openStore: () => openVectorStore(dir, itemsFile, manifest),
    inputsPerCall: inputsPerCall,
    ...(answerCache && {
      openAnswerResolver: (store: RecordStore) => {
        const computeKey = createRunEmbeddingKey(answerCache, { provider, model, purpose: manifest.type });
        return openAnswerResolver(manifest.run, answerCache, computeKey, () => store.dimensions);
      },
    }),
    jobs: createEmbeddingJobs(payload, inputsPerCall),
    queues: [queueName(provider, "embedding")],
    write: async (store, hooks) => {
      const about = { run: manifest.run, model: manifest.model };
      const { files } = await finalize(store, readItemsFile(itemsFile), dir, {
        format,
        withText,
        ...about,
        ...hooks,
      });
      return files;
    },
  };
}

async function openVectorStore(
  dir: string,
  itemsFile: string,
  { items: { total: items }, dimensions, output: { format } }: EmbeddingManifest,
): Promise<RecordStore> {
  const duplicates = await readDuplicates(itemsFile, items);
  return await openRecordStore(dir, {
    items,
    duplicates,
    layout: format === "parquet" ? "pages" : "flat",
    dimensions,
  });
}
