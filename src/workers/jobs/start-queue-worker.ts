import { DelayedError, type Job, WaitingError, Worker } from "bullmq";
import { FINISHED_JOB_RETENTION, QUEUE_SETTINGS } from "#src/queues/names.ts";
import type { RedisSource } from "#src/redis/connection.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { WorkerLog } from "#src/workers/worker-log.ts";
import type { JobLocks } from "./job-locks.ts";
import { ReturnToQueue } from "./return-to-queue.ts";

export interface QueueWorkerDeps {
  readonly redis: RedisSource;
  readonly keys: Keys;
  readonly log: WorkerLog;
  readonly locks: JobLocks;
  /** Jobs of this queue that are held at once. */
  readonly concurrency: number;
  /** Rejects with `ReturnToQueue` when the job has to return to the queue. The signal aborts when its lock is lost. */
  readonly processJob: (job: Job, signal: AbortSignal | undefined) => Promise<void>;
}

/** Starts the BullMQ worker of one queue. */
export function startQueueWorker(queue: string, deps: QueueWorkerDeps): Worker {
  const { redis, keys, log, locks, concurrency, processJob } = deps;
  const worker = new Worker(
    queue,
    // BullMQ passes the signal only to a processor that declares all three parameters.
    async (job, token, signal) => {
      const id = job.id ?? "";
      locks.add(id);
      try {
        await processJob(job, signal);
        return null;
      } catch (error) {
        if (error instanceof ReturnToQueue) return await returnJob(job, token, error);
        throw error;
      } finally {
        locks.remove(id);
      }
    },
    {
      connection: redis.connect("bullmq"),
      prefix: keys.queuePrefix(queue),
      concurrency,
      lockDuration: QUEUE_SETTINGS.lockDurationMs,
      stalledInterval: QUEUE_SETTINGS.stalledIntervalMs,
      maxStalledCount: QUEUE_SETTINGS.maxStalledCount,
      ...FINISHED_JOB_RETENTION,
      settings: { backoffStrategy: () => QUEUE_SETTINGS.retryDelayMs },
    },
  );
  worker.on("error", (error) => log.warn("queue connection failed", { error: error.message }));
  worker.on("failed", (job, error) => log.warn("job failed", { job: job?.id, error: error.message }));
  worker.on("locksRenewed", ({ jobIds }) => {
    for (const id of jobIds) locks.recordRenewal(id);
  });
  worker.on("lockRenewalFailed", (jobIds) => {
    for (const id of jobIds) {
      locks.remove(id);
      worker.cancelJob(id, "its lock was lost");
    }
  });
  return worker;
}

/** Returns a job to the queue; this costs it no attempt and counts as no stall. */
async function returnJob(job: Job, token: string | undefined, reason: ReturnToQueue): Promise<never> {
  const delayMs = reason.computeDelay(job.attemptsStarted);
  if (delayMs > 0) {
    await job.moveToDelayed(Date.now() + delayMs, token);
    throw new DelayedError();
  }
  await job.moveToWait(token);
  throw new WaitingError();
}
