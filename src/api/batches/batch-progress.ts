import { readManifest } from "#src/producer/runs/run-manifest.ts";
import type { BatchCounts, BatchProgress, StoredBatch } from "./batch-object.ts";
import { isFinal } from "./batch-object.ts";
import type { BatchStore } from "./batch-store.ts";

/** What a batch in progress has reached, from the last checkpoint of its run. */
export async function readBatchProgress(store: BatchStore, batch: StoredBatch): Promise<BatchProgress> {
  const cancellingAt = await store.readCancelRequest(batch);
  if (isFinal(batch.status)) return { cancellingAt, counts: undefined };
  return { cancellingAt, counts: await readCounts(store.paths(batch).run) };
}

async function readCounts(run: string): Promise<BatchCounts | undefined> {
  const manifest = await readManifest(run).catch(() => undefined);
  if (!manifest) return undefined;
  const { items, source } = manifest;
  // A request for several embeddings has several items, and counts when most of them are done.
  const perRequest = items.total === 0 ? 1 : source.documents / items.total;
  const toRequests = (count: number) => Math.floor(count * perRequest);
  return { total: source.documents, completed: toRequests(items.succeeded), failed: toRequests(items.failed) };
}
