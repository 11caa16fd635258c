export type JobKind = "embedding" | "chat";

/** Interactive jobs have queues and worker slots of their own, so that no amount of bulk work stands before them. */
export type JobPriority = "bulk" | "interactive";

/** One queue per provider, kind and priority: "minimax-embedding", "zhipu-chat-interactive". */
export function queueName(provider: string, kind: JobKind, priority: JobPriority = "bulk"): string {
  return priority === "bulk" ? `${provider}-${kind}` : `${provider}-${kind}-${priority}`;
}

/** Settings every queue and worker shares; each figure carries a promise. */
export const QUEUE_SETTINGS = {
  /** A killed worker's jobs come back after lock + two stalled checks at most: below 15 s. */
  lockDurationMs: 9_000,
  stalledIntervalMs: 2_500,
  /**
   * BullMQ fails a job for good after this many stalls, started or not. Our own claims count crashes per job and
   * decide; so BullMQ must never.
   */
  maxStalledCount: 1_000_000,
  /** The worker's retry loop owns the budget of attempts. A throw that reaches BullMQ is our bug or lost Redis. */
  attempts: 1_000_000,
  retryDelayMs: 1_000,
  /** The events stream is a hint for dashboards, never a record. */
  eventsMaxLength: 500,
} as const;

/** Options of every job. What becomes of ended jobs is the worker's to say, so that jobs need not carry it. */
export const JOB_OPTIONS = {
  attempts: QUEUE_SETTINGS.attempts,
  backoff: { type: "custom" },
  stackTraceLimit: 3,
} as const;

/** Ended jobs: their records are what counts. Failed ones are kept for a while, for whoever looks for the reason. */
export const FINISHED_JOB_RETENTION = {
  removeOnComplete: { count: 0 },
  removeOnFail: { count: 5_000, age: 7 * 24 * 3600 },
} as const;
