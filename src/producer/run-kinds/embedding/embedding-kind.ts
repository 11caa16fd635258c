import { requireModelName } from "#src/core/model-name.ts";
import { type AnswerCacheSettings, openAnswerResolver } from "#src/producer/cache/open-answer-resolver.ts";
import { createRunEmbeddingKey } from "#src/producer/cache/run-answer-keys.ts";
import { finalize } from "#src/producer/output/finalize.ts";
import { readDuplicates } from "#src/producer/plan/read-duplicates.ts";
import { readItemsFile } from "#src/producer/plan/read-items-file.ts";
import type { PreparedRun, RunExecution, RunKindServices, RunParts } from "#src/producer/run-kinds/run-kind.ts";
import type { EmbeddingManifest } from "#src/producer/runs/run-manifest.ts";
import { openVectorStore, type VectorStore } from "#src/producer/storage/vector-store.ts";
import { queueName } from "#src/queues/names.ts";
import { createEmbeddingJobs } from "./embedding-jobs.ts";

export interface EmbeddingKindOptions {
  /** Maximum number of inputs per upstream call of the run's model. */
  readonly inputsPerCall: number;
  /** Reuses answers from a cache and shares calls with other runs; absent without --cache. */
  readonly cache?: AnswerCacheSettings;
  /** Whether calls may carry a canary. */
  readonly canaries?: boolean;
}

/** About 40 MB with vectors of 1536 floats, if all records are waiting to be collected. */
const DEFAULT_WINDOW = 5_000;

/** Embeds the chunks of documents with one model and writes their vectors in the format that the manifest names. */
export function createEmbeddingExecution(options: EmbeddingKindOptions): RunExecution<EmbeddingManifest, VectorStore> {
  return {
    defaultWindow: DEFAULT_WINDOW,
    listModels: ({ model }) => [model],
    getInputsPerCall: () => options.inputsPerCall,
    open: (run, services) => openEmbeddingRun(run, options, services),
  };
}

function openEmbeddingRun(
  { dir, itemsFile, manifest }: PreparedRun<EmbeddingManifest>,
  { inputsPerCall, cache, canaries }: EmbeddingKindOptions,
  services: RunKindServices,
): RunParts<VectorStore> {
  const { provider, model } = requireModelName(manifest.model);
  const { format, withText } = manifest.output;
  const request = { provider, model, purpose: manifest.type };
  return {
    jobs: {
      factory: createEmbeddingJobs({ run: manifest.run, ...request, canaries }, inputsPerCall),
      queues: [queueName(provider, "embedding")],
    },
    records: {
      openStore: async () =>
        await openVectorStore(dir, {
          items: manifest.items.total,
          duplicates: await readDuplicates(itemsFile, manifest.items.total),
          layout: format === "parquet" ? "pages" : "flat",
          dimensions: manifest.dimensions,
        }),
      openAnswerResolver:
        cache &&
        ((store) => {
          const deps = { ...cache, ...services };
          return openAnswerResolver(manifest.run, deps, createRunEmbeddingKey(cache, request), () => store.dimensions);
        }),
    },
    writeOutput: (store, hooks) => {
      const { run, model } = manifest;
      return finalize(store, readItemsFile(itemsFile), dir, { format, withText, run, model, ...hooks });
    },
  };
}
