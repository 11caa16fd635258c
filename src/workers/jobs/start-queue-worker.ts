import { DelayedError, Job, WaitingError, Worker } from "bullmq";
import { coerceError } from "#src/core/failures/errors.ts";
import { FINISHED_JOB_RETENTION, QUEUE_SETTINGS } from "#src/queues/names.ts";
import type { RedisSource } from "#src/redis/connection.ts";
import type { Keys } from "#src/redis/keys.ts";
import { findRejection } from "#src/redis/write-rejection.ts";
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

/** The BullMQ worker of one queue. */
export interface QueueWorker {
  readonly queue: string;
  readonly worker: Worker;
  /** Grows with every job that is taken, and whenever Redis rejects commands, so that there is nothing to take. */
  readonly activity: number;
  /** Whether it could hold a further job. */
  readonly hasRoom: boolean;
  /** Ends the delay of a job. */
  promote(jobId: string): Promise<void>;
}

/** Starts the BullMQ worker of one queue. */
export function startQueueWorker(queue: string, deps: QueueWorkerDeps): QueueWorker {
  const { redis, keys, log, locks, concurrency, processJob } = deps;
  /** The tokens of the locks of the jobs that it holds, by job. */
  const held = new Map<string, string>();
  let activity = 0;
  const worker = new Worker(
    queue,
    // BullMQ passes the signal only to a processor that declares all three parameters, without a default value.
    async (job, jobToken, signal) => {
      const [id, token] = [job.id ?? "", jobToken ?? ""];
      activity += 1;
      held.set(id, token);
      locks.add(token, measureAge(job));
      try {
        await processJob(job, signal);
        return null;
      } catch (error) {
        if (error instanceof ReturnToQueue) return await returnJob(job, token, error);
        throw error;
      } finally {
        if (held.get(id) === token) held.delete(id);
        locks.remove(token);
      }
    },
    {
      connection: redis.connect("bullmq"),
      prefix: keys.queuePrefix(queue),
      concurrency,
      lockDuration: QUEUE_SETTINGS.lockDurationMs,
      // BullMQ's renewal compares times of the wall clock, so it would pause for an hour when that is set back by an hour.
      skipLockRenewal: true,
      stalledInterval: QUEUE_SETTINGS.stalledIntervalMs,
      maxStalledCount: QUEUE_SETTINGS.maxStalledCount,
      runRetryDelay: QUEUE_SETTINGS.retryDelayMs,
      ...FINISHED_JOB_RETENTION,
      settings: { backoffStrategy: () => QUEUE_SETTINGS.retryDelayMs },
    },
  );
  worker.on("error", (error) => {
    if (findRejection(error)) activity += 1;
    log.warn("queue connection failed", { error: error.message });
  });
  worker.on("failed", (job, error) => log.warn("job failed", { job: job?.id, error: error.message }));
  renewRegularly(worker, held, deps);
  return {
    queue,
    worker,
    get activity() {
      return activity;
    },
    get hasRoom() {
      return held.size < concurrency;
    },
    async promote(jobId) {
      const job: Job | undefined = await Job.fromId(worker, jobId);
      await job?.promote();
    },
  };
}

/**
 * The time since this process requested the job, in ms. It was taken with the wall clock, which may have been set since: then it
 * is at most the duration of a lock, so that the lock counts as old until it is renewed.
 */
function measureAge({ processedOn = Date.now() }: Job): number {
  return Math.min(QUEUE_SETTINGS.lockDurationMs, Math.max(0, Date.now() - processedOn));
}

/** Renews the locks of held jobs until the worker is closed. */
function renewRegularly(worker: Worker, held: ReadonlyMap<string, string>, { locks, log }: QueueWorkerDeps): void {
  let isRenewing = false;
  const renew = async () => {
    const jobs = [...held];
    if (isRenewing || jobs.length === 0) return;
    isRenewing = true;
    try {
      const [ids, tokens] = [jobs.map(([id]) => id), jobs.map(([, token]) => token)];
      const recordRenewal = locks.startRenewal();
      const lost = new Set(await worker.extendJobLocks(ids, tokens, QUEUE_SETTINGS.lockDurationMs));
      for (const [id, token] of jobs) {
        if (!lost.has(id)) recordRenewal(token);
        else if (held.get(id) === token) {
          locks.remove(token);
          worker.cancelJob(id, "its lock was lost");
        }
      }
    } catch (error) {
      log.warn("could not renew the locks of jobs", { error: coerceError(error).message });
    } finally {
      isRenewing = false;
    }
  };
  const timer = setInterval(renew, QUEUE_SETTINGS.lockDurationMs / 4).unref();
  worker.once("closed", () => clearInterval(timer));
}

/** Returns a job to the queue; this costs it no attempt and counts as no stall. */
async function returnJob(job: Job, token: string, reason: ReturnToQueue): Promise<never> {
  const delayMs = reason.computeDelay(job.attemptsStarted);
  if (delayMs > 0) {
    await job.moveToDelayed(Date.now() + delayMs, token);
    throw new DelayedError();
  }
  await job.moveToWait(token);
  throw new WaitingError();
}
