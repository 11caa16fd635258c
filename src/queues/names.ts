export type JobKind = "embedding" | "chat" | "rerank";

/** Interactive jobs have their own queues and worker slots, so that they never wait behind bulk jobs. */
export type JobPriority = "bulk" | "interactive";

/** One queue per provider, kind and priority: "minimax-embedding", "zhipu-chat-interactive". */
export function queueName(provider: string, kind: JobKind, priority: JobPriority = "bulk"): string {
  return priority === "bulk" ? `${provider}-${kind}` : `${provider}-${kind}-${priority}`;
}

/** Settings of all queues and workers. The guarantees of Sluice depend on each of them. */
export const QUEUE_SETTINGS = {
  /** Jobs of a killed worker are retried after the lock duration plus at most two stalled checks: below 15 s. */
  lockDurationMs: 9_000,
  stalledIntervalMs: 2_500,
  /**
   * BullMQ fails a job permanently after this many stalls, even if it never started. Sluice counts crashes per job by
   * claims and decides itself, so BullMQ must never reach the limit.
   */
  maxStalledCount: 1_000_000,
  /** The worker's retry loop limits attempts. An error that reaches BullMQ is a bug in Sluice, or Redis was lost. */
  attempts: 1_000_000,
  retryDelayMs: 1_000,
  /** BullMQ's event stream is used by dashboards only. */
  eventsMaxLength: 500,
} as const;

/** Options of every job. Workers set the retention of finished jobs, so that jobs need not carry it. */
export const JOB_OPTIONS = {
  attempts: QUEUE_SETTINGS.attempts,
  backoff: { type: "custom" },
  stackTraceLimit: 3,
} as const;

/** Records are stored elsewhere, so completed jobs are removed. Failed jobs stay for a week, for diagnosis. */
export const FINISHED_JOB_RETENTION = {
  removeOnComplete: { count: 0 },
  removeOnFail: { count: 5_000, age: 7 * 24 * 3600 },
} as const;
