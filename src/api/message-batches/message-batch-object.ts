import type { BatchProgress, StoredBatch } from "#src/api/batches/batch-object.ts";
import { isFinal } from "#src/api/batches/batch-object.ts";
import { BATCH_ID_PREFIX } from "#src/api/batches/batch-store.ts";

const MESSAGE_BATCH_PREFIX = "msgbatch_";

export function toMessageBatchId(id: string): string {
  return MESSAGE_BATCH_PREFIX + id.slice(BATCH_ID_PREFIX.length);
}

/** The id of the stored batch; any other text becomes an id that no batch has. */
export function fromMessageBatchId(id: string): string {
  return id.startsWith(MESSAGE_BATCH_PREFIX) ? BATCH_ID_PREFIX + id.slice(MESSAGE_BATCH_PREFIX.length) : "";
}

/** A batch in Anthropic's format. `requests` is the number of its requests; `baseUrl` is the address of the server. */
export function writeMessageBatch(
  batch: StoredBatch,
  { cancellingAt, counts: live }: BatchProgress,
  { requests, baseUrl }: { readonly requests: number; readonly baseUrl: string },
) {
  const hasEnded = isFinal(batch.status);
  const { completed = 0, failed = 0 } = batch.counts ?? live ?? {};
  const unanswered = hasEnded ? failed : 0;
  const id = toMessageBatchId(batch.id);
  return {
    id,
    type: "message_batch",
    processing_status: hasEnded ? "ended" : cancellingAt === undefined ? "in_progress" : "canceling",
    request_counts: {
      processing: hasEnded ? 0 : Math.max(0, requests - completed - failed),
      succeeded: completed,
      errored: batch.status === "completed" || !hasEnded ? failed : 0,
      canceled: batch.status === "cancelled" ? unanswered : 0,
      expired: batch.status === "expired" ? unanswered : 0,
    },
    created_at: toDate(batch.createdAt),
    expires_at: toDate(batch.expiresAt),
    ended_at: toDate(batch.completedAt ?? batch.cancelledAt ?? batch.expiredAt ?? batch.failedAt),
    cancel_initiated_at: toDate(cancellingAt),
    archived_at: null,
    results_url: hasEnded ? `${baseUrl}/v1/messages/batches/${id}/results` : null,
  };
}

function toDate(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
