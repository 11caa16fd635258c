import { requireModelName } from "#src/core/model-name.ts";
import { type AnswerCacheDeps, openAnswerResolver } from "#src/producer/cache/open-answer-resolver.ts";
import { createRunChatKey, createRunEmbeddingKey } from "#src/producer/cache/run-answer-keys.ts";
import { readDuplicates } from "#src/producer/plan/read-duplicates.ts";
import { readItemsFile } from "#src/producer/plan/read-items-file.ts";
import { createEmbeddingJobs } from "#src/producer/run-kinds/embedding/embedding-jobs.ts";
import type { RunWork } from "#src/producer/runs/execute-run.ts";
import type { BatchManifest } from "#src/producer/runs/run-manifest.ts";
import { type JsonStore, openJsonStore } from "#src/producer/storage/json-store.ts";
import type { RunStore } from "#src/producer/storage/ledger-store.ts";
import { openRecordStore, type RecordStore } from "#src/producer/storage/record-store.ts";
import { queueName } from "#src/queues/names.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import type { WireRecord } from "#src/state/records/record-codec.ts";
import { OversizedRequests } from "#src/state/runs/oversized-requests.ts";
import { createChatJobs, estimateChatTokens } from "./chat-jobs.ts";
import { writeChatOutput } from "./write-chat-output.ts";
import { writeEmbeddingOutput } from "./write-embedding-output.ts";

export interface BatchRun {
  readonly dir: string;
  readonly itemsFile: string;
  readonly manifest: BatchManifest;
}

export interface BatchWorkDeps {
  readonly client: RedisClient;
  readonly keys: Keys;
  /** Epoch ms. */
  readonly now: () => number;
  /** Texts of one upstream call of an embedding model. */
  readonly inputsPerCall: number;
  /** Answers items from a cache, and agrees with other runs on who asks. */
  readonly answerCache?: AnswerCacheDeps;
}

/** Answers the requests of a file and writes them as OpenAI's Batch API does. */
export function batchWork(run: BatchRun, deps: BatchWorkDeps): RunWork<RunStore<WireRecord>> {
  return run.manifest.kind === "chat" ? createBatchChatWork(run, deps) : createBatchEmbeddingWork(run, deps);
}

function createBatchChatWork(
  { dir, itemsFile, manifest }: BatchRun,
  { client, keys, now, answerCache }: BatchWorkDeps,
): RunWork<JsonStore> {
  const requests = new OversizedRequests(client, keys.run(manifest.run));
  const providers = new Set(manifest.models.map((name) => requireModelName(name).provider));
  const items = manifest.items.total;
  return {
    openStore: async () => openJsonStore(dir, { items, now, duplicates: await readDuplicates(itemsFile, items) }),
    ...(answerCache && {
      openAnswerResolver: () => openAnswerResolver(manifest.run, answerCache, createRunChatKey(answerCache)),
    }),
    jobs: createChatJobs(manifest.run, manifest.models, requests),
    queues: [...providers].map((provider) => queueName(provider, "chat")),
    estimate: estimateChatTokens,
    // What stays because this fails goes with the run.
    onRecords: (records) => void requests.drop(records.map(({ index }) => index)).catch(() => undefined),
    write: (store, hooks) => writeChatOutput(store, readItemsFile(itemsFile), dir, { run: manifest.run, ...hooks }),
  };
}

function createBatchEmbeddingWork(
  { dir, itemsFile, manifest }: BatchRun,
  { inputsPerCall, answerCache }: BatchWorkDeps,
): RunWork<RecordStore> {
  const [name = ""] = manifest.models;
  const { provider, model } = requireModelName(name);
  const { dimensions, askedDimensions } = manifest;
  const requested = askedDimensions === undefined ? {} : { dimensions: askedDimensions };
  const payload = { run: manifest.run, provider, model, purpose: "db" as const, ...requested };
  const items = manifest.items.total;
  const opening = { items, dimensions };
  return {
    openStore: async () => openRecordStore(dir, { ...opening, duplicates: await readDuplicates(itemsFile, items) }),
    inputsPerCall: inputsPerCall,
    ...(answerCache && {
      openAnswerResolver: (store: RecordStore) => {
        const computeKey = createRunEmbeddingKey(answerCache, {
          provider,
          model,
          purpose: payload.purpose,
          ...requested,
        });
        return openAnswerResolver(manifest.run, answerCache, computeKey, () => store.dimensions);
      },
    }),
    jobs: createEmbeddingJobs(payload, inputsPerCall),
    queues: [queueName(provider, "embedding")],
    write: (store, hooks) =>
      writeEmbeddingOutput(store, readItemsFile(itemsFile), dir, { run: manifest.run, model, ...hooks }),
  };
}
