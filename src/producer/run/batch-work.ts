import { queueName } from "../../queue/names.ts";
import type { WireRecord } from "../../queue/record-codec.ts";
import { RunRequests } from "../../queue/run-requests.ts";
import type { Keys } from "../../redis/keys.ts";
import type { RedisClient } from "../../redis/script.ts";
import { writeChatOutput } from "../batch/write-chat-output.ts";
import { writeEmbeddingOutput } from "../batch/write-embedding-output.ts";
import { readCopies } from "../plan/read-copies.ts";
import { readSpool } from "../plan/read-spool.ts";
import { openReuse, type ReuseSource } from "../reuse/open-reuse.ts";
import { requestKeys, textKeys } from "../reuse/run-keys.ts";
import { type JsonStore, openJsonStore } from "../sink/json-store.ts";
import { openRecordStore, type RecordStore } from "../sink/record-store.ts";
import type { RunStore } from "../sink/slot-store.ts";
import { createChatJobs, estimateChatTokens, splitName } from "./chat-jobs.ts";
import { createEmbeddingJobs } from "./embedding-jobs.ts";
import type { RunWork } from "./execute-run.ts";
import type { BatchManifest } from "./run-manifest.ts";

export interface BatchRun {
  readonly dir: string;
  readonly spool: string;
  readonly manifest: BatchManifest;
}

export interface BatchWorkDeps {
  readonly client: RedisClient;
  readonly keys: Keys;
  /** Epoch ms. */
  readonly now: () => number;
  /** Texts of one upstream call of an embedding model. */
  readonly batchInputs: number;
  /** Answers items from a cache, and agrees with other runs on who asks. */
  readonly reuse?: ReuseSource;
}

/** Answers the requests of a file and writes them as OpenAI's Batch API does. */
export function batchWork(run: BatchRun, deps: BatchWorkDeps): RunWork<RunStore<WireRecord>> {
  return run.manifest.kind === "chat" ? chatWork(run, deps) : embeddingWork(run, deps);
}

function chatWork(
  { dir, spool, manifest }: BatchRun,
  { client, keys, now, reuse }: BatchWorkDeps,
): RunWork<JsonStore> {
  const requests = new RunRequests(client, keys.run(manifest.run));
  const providers = new Set(manifest.models.map((name) => splitName(name)[0]));
  const items = manifest.items.total;
  return {
    openStore: async () => openJsonStore(dir, { items, now, copies: await readCopies(spool, items) }),
    ...(reuse && { openReuse: () => openReuse(manifest.run, reuse, requestKeys(reuse)) }),
    jobs: createChatJobs(manifest.run, manifest.models, requests),
    queues: [...providers].map((provider) => queueName(provider, "chat")),
    estimate: estimateChatTokens,
    // What stays because this fails goes with the run.
    onRecords: (records) => void requests.drop(records.map(({ index }) => index)).catch(() => undefined),
    write: (store, hooks) => writeChatOutput(store, readSpool(spool), dir, { run: manifest.run, ...hooks }),
  };
}

function embeddingWork(
  { dir, spool, manifest }: BatchRun,
  { batchInputs, reuse }: BatchWorkDeps,
): RunWork<RecordStore> {
  const [name = ""] = manifest.models;
  const [provider, model] = splitName(name);
  const { dimensions, askedDimensions } = manifest;
  const asked = askedDimensions === undefined ? {} : { dimensions: askedDimensions };
  const payload = { run: manifest.run, provider, model, purpose: "db" as const, ...asked };
  const items = manifest.items.total;
  const opening = { items, dimensions };
  return {
    openStore: async () => openRecordStore(dir, { ...opening, copies: await readCopies(spool, items) }),
    inputsPerCall: batchInputs,
    ...(reuse && {
      openReuse: (store: RecordStore) => {
        const keyOf = textKeys(reuse, { provider, model, purpose: payload.purpose, ...asked });
        return openReuse(manifest.run, reuse, keyOf, () => store.dimensions);
      },
    }),
    jobs: createEmbeddingJobs(payload, batchInputs),
    queues: [queueName(provider, "embedding")],
    write: (store, hooks) =>
      writeEmbeddingOutput(store, readSpool(spool), dir, { run: manifest.run, model, ...hooks }),
  };
}
