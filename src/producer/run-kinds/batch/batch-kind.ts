import { requireModelName } from "#src/core/model-name.ts";
import { type AnswerCacheSettings, openAnswerResolver } from "#src/producer/cache/open-answer-resolver.ts";
import { createRunChatKey, createRunEmbeddingKey } from "#src/producer/cache/run-answer-keys.ts";
import { createEmbeddingJobs } from "#src/producer/run-kinds/embedding/embedding-jobs.ts";
import type { PreparedRun, RunExecution, RunKindServices, RunParts } from "#src/producer/run-kinds/run-kind.ts";
import type { BatchManifest } from "#src/producer/runs/run-manifest.ts";
import { openRunStore } from "#src/producer/storage/open-run-store.ts";
import { queueName } from "#src/queues/names.ts";
import { OversizedRequests } from "#src/state/runs/oversized-requests.ts";
import { createChatJobs, estimateChatTokens } from "./chat-jobs.ts";
import { writeChatOutput } from "./write-chat-output.ts";
import { writeEmbeddingOutput } from "./write-embedding-output.ts";

export interface BatchKindOptions {
  /** Maximum number of inputs per upstream call of an embedding model, named "provider/model". */
  readonly findMaxInputs: (model: string) => number;
  /** Reuses answers from a cache and shares calls with other runs; absent without --cache. */
  readonly cache?: AnswerCacheSettings;
  /** Whether embedding calls may carry a canary. */
  readonly canaries?: boolean;
}

/** Lower than for texts, because requests and answers are larger. The feeder also limits their bytes in Redis. */
const DEFAULT_WINDOW = 2_000;

/** Processes the requests of a file and writes the answers in the format of OpenAI's Batch API. */
export function createBatchExecution(options: BatchKindOptions): RunExecution<BatchManifest> {
  return {
    defaultWindow: DEFAULT_WINDOW,
    listModels: ({ models }) => models,
    getInputsPerCall: ({ kind, models: [model] }) =>
      kind === "chat" || model === undefined ? 1 : options.findMaxInputs(model),
    open: (run, services): RunParts =>
      run.manifest.kind === "chat" ? openChatRun(run, options, services) : openEmbeddingRun(run, options, services),
  };
}

function openChatRun(
  { dir, manifest }: PreparedRun<BatchManifest>,
  { cache }: BatchKindOptions,
  services: RunKindServices,
): RunParts {
  const { run, models } = manifest;
  const items = manifest.items.total;
  const requests = new OversizedRequests(services.client, services.keys.run(run));
  const providers = new Set(models.map((name) => requireModelName(name).provider));
  return {
    jobs: {
      factory: createChatJobs(run, models, requests),
      queues: [...providers].map((provider) => queueName(provider, "chat")),
      estimateTokens: estimateChatTokens,
    },
    records: {
      openStore: () => openRunStore(dir, { items, now: () => services.clock.now() }),
      openAnswerResolver: cache && (() => openAnswerResolver(run, { ...cache, ...services }, createRunChatKey(cache))),
      // If this fails, the requests stay in Redis until the keys of the run expire.
      onStored: (records) => void requests.drop(records.map(({ index }) => index)).catch(() => undefined),
    },
    writesWhileRunning: true,
    writeOutput: (store, hooks) => writeChatOutput(store, dir, { run, endpoint: manifest.endpoint, ...hooks }),
  };
}

function openEmbeddingRun(
  { dir, manifest }: PreparedRun<BatchManifest>,
  { cache, findMaxInputs, canaries }: BatchKindOptions,
  services: RunKindServices,
): RunParts {
  const { run, dimensions, askedDimensions, embeddingOptions: options, tokenIds } = manifest;
  const items = manifest.items.total;
  const [name = ""] = manifest.models;
  const { provider, model } = requireModelName(name);
  const request = { provider, model, purpose: "db" as const, dimensions: askedDimensions, options, tokenIds };
  return {
    jobs: {
      factory: createEmbeddingJobs({ run, ...request, canaries: canaries && !tokenIds }, findMaxInputs(name)),
      queues: [queueName(provider, "embedding")],
    },
    records: {
      openStore: () =>
        openRunStore(dir, { items, now: () => services.clock.now(), vectors: { layout: "flat", dimensions } }),
      openAnswerResolver:
        cache &&
        ((store) => {
          const deps = { ...cache, ...services };
          return openAnswerResolver(run, deps, createRunEmbeddingKey(cache, request), () => store.dimensions);
        }),
    },
    writesWhileRunning: true,
    writeOutput: (store, hooks) => writeEmbeddingOutput(store, dir, { run, model, ...hooks }),
  };
}
