import { type Job, UnrecoverableError } from "bullmq";
import type { Tracer } from "#src/core/tracer.ts";
import { parsePayload } from "#src/queues/payload.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { ItemLedger } from "#src/state/items/item-ledger.ts";
import { readRequest } from "#src/state/items/item-store.ts";
import { OversizedRequests } from "#src/state/runs/oversized-requests.ts";
import type { CommitDeps } from "#src/workers/calls/commit-records.ts";
import type { DispatcherRegistry } from "#src/workers/dispatch/dispatcher-registry.ts";
import { processChatJob } from "./process-chat-job.ts";
import { processEmbeddingJob } from "./process-embedding-job.ts";
import { processRerankJob } from "./process-rerank-job.ts";
import type { RunLedgerCache } from "./run-ledger-cache.ts";
import type { JobOwner, RunStateWatcher } from "./run-state-watcher.ts";

export interface JobDeps {
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly dispatchers: DispatcherRegistry;
  readonly ledgers: RunLedgerCache;
  readonly stateWatcher: RunStateWatcher;
  readonly commitDeps: CommitDeps;
  readonly tracer?: Tracer;
  readonly isStopping: () => boolean;
}

/** A job that was started more often than this was queued some seconds ago. */
const MAX_RECENT_STARTS = 20;

/** Processes a job of any kind; see `processEmbeddingJob`, `processChatJob`, and `processRerankJob`. */
export async function processJob(
  job: Job,
  signal: AbortSignal | undefined,
  isInteractive: boolean,
  deps: JobDeps,
): Promise<void> {
  const { client, keys, dispatchers, ledgers, commitDeps, isStopping } = deps;
  const id = job.id ?? "";
  const payload = parsePayload(job.data);
  // The failed set keeps the job with a reason that contains no content, and the worker continues.
  if (!payload) throw new UnrecoverableError("the job's payload does not match this version's schema");
  if (payload.trace !== undefined) {
    const attributes = { "sluice.queue": job.queueName, "sluice.kind": payload.kind };
    deps.tracer?.startSpan("queue", { parent: payload.trace, at: job.timestamp, attributes }).end();
  }
  const shared = {
    now: () => commitDeps.clock.monotonic(),
    isStopping,
    isInteractive,
    isRecentlyQueued: job.attemptsStarted <= MAX_RECENT_STARTS,
    commitDeps,
  };
  const withTracking = async (owner: JobOwner, task: () => Promise<void>) => {
    const untrack = deps.stateWatcher.track(owner);
    await task().finally(untrack);
  };
  if (payload.kind === "chat") {
    const dispatcher = () => dispatchers.chat(payload);
    const stalls = job.stalledCounter;
    await processChatJob(id, payload, signal, { ...shared, client, keys, ledgers, dispatcher, withTracking, stalls });
    return;
  }
  const { run = "", item } = payload;
  const ledger = item === undefined ? ledgers.of(run) : new ItemLedger(client, keys.item(item));
  await withTracking(item === undefined ? { run } : { item }, async () => {
    if (payload.kind === "rerank") {
      const dispatcher = () => dispatchers.rerank(payload);
      const readLargeRequest = (index: number) =>
        item === undefined ? new OversizedRequests(client, keys.run(run)).get(index) : readRequest(client, keys, item);
      await processRerankJob(id, payload, signal, { ...shared, dispatcher, readLargeRequest, ledger });
    } else {
      const dispatcher = () => dispatchers.embedding(payload);
      await processEmbeddingJob(id, payload, signal, { ...shared, dispatcher, ledger });
    }
  });
}
