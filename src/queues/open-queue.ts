import { Queue } from "bullmq";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { TraceContext } from "#src/core/tracer.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import type { JobTurns } from "./job-turns.ts";
import { JOB_OPTIONS, QUEUE_SETTINGS } from "./names.ts";
import type { JobPayload } from "./payload.ts";

export type { Queue } from "bullmq";

export interface OpenQueueOptions {
  /** A connection for BullMQ; the caller closes it after the queue. */
  readonly connection: RedisClient;
  readonly keys: Keys;
  /** For a process that adds no jobs: it must not overwrite the queue's stored settings with its own. */
  readonly isObserver?: boolean;
}

/** Opens a queue on an existing connection; nothing else in the project creates BullMQ queues. */
export function openQueue(name: string, { connection, keys, isObserver = false }: OpenQueueOptions): Queue {
  const queue = new Queue(name, {
    connection,
    prefix: keys.queuePrefix(name),
    streams: { events: { maxLen: QUEUE_SETTINGS.eventsMaxLength } },
    skipMetasUpdate: isObserver,
  });
  // The Redis source reports connection errors; without a listener BullMQ would print them.
  queue.on("error", () => undefined);
  return queue;
}

/** One job to add to a queue. */
export interface NewJob {
  readonly id: string;
  /** For dashboards only; workers read the payload. */
  readonly name: string;
  readonly payload: JobPayload;
  readonly trace?: TraceContext;
}

/** Adds jobs in one transaction, each at its turn. A job whose id the queue already has is left unchanged. */
export async function addJobs(queue: Queue, jobs: readonly NewJob[], turns: JobTurns): Promise<void> {
  const priorities = await turns.assign(jobs.map(({ payload }) => payload));
  await queue.addBulk(
    jobs.map(({ id, name, payload, trace }, i) => ({
      name,
      data: trace === undefined ? payload : { ...payload, trace },
      opts: omitUndefined({ jobId: id, ...JOB_OPTIONS, priority: priorities[i] }),
    })),
  );
}
