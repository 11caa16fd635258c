import { Queue } from "bullmq";
import { JOB_OPTIONS, QUEUE_SETTINGS } from "../../queue/names.ts";
import type { RedisSource } from "../../redis/connection.ts";
import type { Keys } from "../../redis/keys.ts";
import type { MadeJob } from "./job-maker.ts";

/** The queues that the items of one run go to: one, or one per provider. */
export class RunQueues {
  readonly #queues: ReadonlyMap<string, Queue>;

  constructor(redis: RedisSource, keys: Keys, names: readonly string[]) {
    const connection = redis.connect("bullmq");
    this.#queues = new Map(
      names.map((name) => {
        const queue = new Queue(name, {
          connection,
          prefix: keys.queuePrefix(name),
          streams: { events: { maxLen: QUEUE_SETTINGS.eventsMaxLength } },
        });
        queue.on("error", () => undefined);
        return [name, queue];
      }),
    );
  }

  /** Queues jobs; one whose id a queue has already is left alone. */
  async add(jobs: readonly (MadeJob & { readonly id: string })[]): Promise<void> {
    for (const [name, queue] of this.#queues) {
      const own = jobs.filter((job) => job.queue === name);
      if (own.length > 0) await queue.addBulk(own.map(toBull));
    }
  }

  /** True when no queue will bring records of this job any more: lost by Redis, failed by BullMQ, or ended. */
  async isOver(jobId: string): Promise<boolean> {
    const states = await Promise.all([...this.#queues.values()].map((queue) => queue.getJobState(jobId)));
    return states.every((state) => state === "unknown" || state === "completed" || state === "failed");
  }

  /** Lets delayed jobs go at once. */
  async promote(): Promise<void> {
    for (const queue of this.#queues.values()) await queue.promoteJobs();
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#queues.values()].map((queue) => queue.close()));
  }
}

function toBull({ id, name, data }: MadeJob & { readonly id: string }) {
  return {
    name,
    data,
    opts: {
      jobId: id,
      ...JOB_OPTIONS,
    },
  };
}
