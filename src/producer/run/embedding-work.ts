import { queueName } from "../../queue/names.ts";
import { readDuplicates } from "../plan/read-copies.ts";
import { readItemsFile } from "../plan/read-spool.ts";
import { type AnswerCacheDeps, openAnswerResolver } from "../reuse/open-reuse.ts";
import { createRunEmbeddingKey } from "../reuse/run-keys.ts";
import { finalize } from "../sink/finalize.ts";
import { openRecordStore, type RecordStore } from "../sink/record-store.ts";
import { createEmbeddingJobs } from "./embedding-jobs.ts";
import type { RunWork } from "./execute-run.ts";
import type { EmbeddingManifest } from "./run-manifest.ts";

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
