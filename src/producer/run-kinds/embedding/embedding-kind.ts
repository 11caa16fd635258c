import { requireModelName } from "#src/core/model-name.ts";
import { type AnswerCacheSettings, openAnswerResolver } from "#src/producer/cache/open-answer-resolver.ts";
import { createRunEmbeddingKey } from "#src/producer/cache/run-answer-keys.ts";
import { finalize } from "#src/producer/output/finalize.ts";
import type { PreparedRun, RunExecution, RunKindServices, RunParts } from "#src/producer/run-kinds/run-kind.ts";
import type { EmbeddingManifest } from "#src/producer/runs/run-manifest.ts";
import { openRunStore } from "#src/producer/storage/open-run-store.ts";
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
export function createEmbeddingExecution(options: EmbeddingKindOptions): RunExecution<EmbeddingManifest> {
  return {
    defaultWindow: DEFAULT_WINDOW,
    listModels: ({ model }) => [model],
    getInputsPerCall: () => options.inputsPerCall,
    open: (run, services) => openEmbeddingRun(run, options, services),
  };
}

function openEmbeddingRun(
  { dir, manifest }: PreparedRun<EmbeddingManifest>,
  { inputsPerCall, cache, canaries }: EmbeddingKindOptions,
  services: RunKindServices,
): RunParts {
  const { provider, model } = requireModelName(manifest.model);
  const { format, withText } = manifest.output;
  const request = { provider, model, purpose: manifest.type, dimensions: manifest.askedDimensions };
  return {
    jobs: {
      factory: createEmbeddingJobs({ run: manifest.run, ...request, canaries }, inputsPerCall),
      queues: [queueName(provider, "embedding")],
    },
    records: {
      openStore: () =>
        openRunStore(dir, {
          items: manifest.items.total,
          now: () => services.clock.now(),
          vectors: { layout: format === "parquet" ? "pages" : "flat", dimensions: manifest.dimensions },
        }),
      openAnswerResolver:
        cache &&
        ((store) => {
          const deps = { ...cache, ...services };
          return openAnswerResolver(manifest.run, deps, createRunEmbeddingKey(cache, request), () => store.dimensions);
        }),
    },
    // The other formats use the vector file itself, which is possible only if no item has failed.
    writesWhileRunning: format === "jsonl",
    writeOutput: (store, hooks) => {
      const { run, model } = manifest;
      return finalize(store, dir, { format, withText, run, model, ...hooks });
    },
  };
}
