import * as z from "zod";
import { BATCH_ENDPOINTS } from "#src/producer/openai-batch/lines/openai-line.ts";
import { tenantShare } from "#src/queues/payload.ts";

/** In the order in which a batch can have them; one of the last four is final. */
export const BATCH_STATUSES = [
  "validating",
  "in_progress",
  "cancelling",
  "finalizing",
  "failed",
  "completed",
  "expired",
  "cancelled",
] as const;
export type BatchStatus = (typeof BATCH_STATUSES)[number];

const FINAL_STATUSES: ReadonlySet<BatchStatus> = new Set(["failed", "completed", "expired", "cancelled"]);

export function isFinal(status: BatchStatus): boolean {
  return FINAL_STATUSES.has(status);
}

const problem = z.object({
  code: z.string(),
  message: z.string(),
  param: z.string().nullable(),
  line: z.int().nullable(),
});
export type BatchProblem = z.infer<typeof problem>;

const time = z.number().optional();
const counts = z.object({ total: z.int(), completed: z.int(), failed: z.int() });
const usage = z.object({
  input_tokens: z.number(),
  input_tokens_details: z.object({ cached_tokens: z.number() }),
  output_tokens: z.number(),
  output_tokens_details: z.object({ reasoning_tokens: z.number() }),
  total_tokens: z.number(),
});
export type BatchUsage = z.infer<typeof usage>;

/** `batch.json`: a batch as it is stored. Only the server that holds its lease changes it. Times are epoch ms. */
export const storedBatch = z.object({
  id: z.string(),
  tenant: z.string(),
  /** The key that created it, its tenant's share of queues and lanes, and its models; absent on a server without keys. */
  keyId: z.string().optional(),
  share: tenantShare.optional(),
  allowedModels: z.array(z.string()).optional(),
  endpoint: z.enum(BATCH_ENDPOINTS),
  /** Absent if the requests were not a file of their own. */
  inputFileId: z.string().optional(),
  /** Created with Anthropic's API, which shows these batches and no others. */
  isOfMessages: z.boolean().optional(),
  completionWindow: z.string(),
  /** How long the output files are kept after their creation, ms. */
  outputTtlMs: z.number().optional(),
  metadata: z.record(z.string(), z.string()).nullable(),
  status: z.enum(BATCH_STATUSES),
  /** "provider/model" of its requests; several are separated by ", ". */
  model: z.string().optional(),
  createdAt: z.number(),
  expiresAt: z.number(),
  inProgressAt: time,
  finalizingAt: time,
  completedAt: time,
  failedAt: time,
  expiredAt: time,
  cancelledAt: time,
  problems: z.array(problem).optional(),
  outputFileId: z.string().optional(),
  errorFileId: z.string().optional(),
  counts: counts.optional(),
  usage: usage.optional(),
});
export type StoredBatch = z.infer<typeof storedBatch>;
export type BatchCounts = z.infer<typeof counts>;

/** What a batch has beside its own file. */
export interface BatchProgress {
  /** When a client asked to cancel it, epoch ms. */
  readonly cancellingAt: number | undefined;
  /** Counts of a batch in progress. */
  readonly counts: BatchCounts | undefined;
}

/** A batch in OpenAI's format. */
export function writeBatch(batch: StoredBatch, { cancellingAt, counts: live }: BatchProgress) {
  const { problems, counts: final } = batch;
  const isCancelling = cancellingAt !== undefined && !isFinal(batch.status);
  return {
    id: batch.id,
    object: "batch",
    endpoint: batch.endpoint,
    ...(batch.model === undefined ? {} : { model: batch.model }),
    errors: problems === undefined ? null : { object: "list", data: problems },
    input_file_id: batch.inputFileId ?? null,
    completion_window: batch.completionWindow,
    status: isCancelling ? "cancelling" : batch.status,
    output_file_id: batch.outputFileId ?? null,
    error_file_id: batch.errorFileId ?? null,
    created_at: toSeconds(batch.createdAt),
    in_progress_at: toSeconds(batch.inProgressAt),
    expires_at: toSeconds(batch.expiresAt),
    finalizing_at: toSeconds(batch.finalizingAt),
    completed_at: toSeconds(batch.completedAt),
    failed_at: toSeconds(batch.failedAt),
    expired_at: toSeconds(batch.expiredAt),
    cancelling_at: toSeconds(cancellingAt),
    cancelled_at: toSeconds(batch.cancelledAt),
    request_counts: final ?? live ?? { total: 0, completed: 0, failed: 0 },
    usage: batch.usage ?? null,
    metadata: batch.metadata,
  };
}

function toSeconds(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.floor(ms / 1000);
}
