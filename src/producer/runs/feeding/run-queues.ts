import type { Tracer } from "#src/core/tracer.ts";
import type { JobSpec } from "#src/producer/run-kinds/job-factory.ts";
import { JobTurns } from "#src/queues/job-turns.ts";
import { addJobs, openQueue, type Queue } from "#src/queues/open-queue.ts";
import { describePayload, type TenantShare } from "#src/queues/payload.ts";
import type { RedisSource } from "#src/redis/connection.ts";
import type { Keys } from "#src/redis/keys.ts";

type QueuedJob = JobSpec & { readonly id: string };

/** The queues of one run: one per provider of its models. */
export class RunQueues {
  readonly #queues: ReadonlyMap<string, Queue>;
  readonly #turns: ReadonlyMap<string, JobTurns>;
  readonly #tracer: Tracer | undefined;
  readonly #tenant: TenantShare | undefined;

  /** `tenant`: whose run it is; absent for the operator's own. */
  constructor(
    redis: RedisSource,
    keys: Keys,
    names: readonly string[],
    { tracer, tenant }: { readonly tracer?: Tracer; readonly tenant?: TenantShare } = {},
  ) {
    this.#tracer = tracer;
    this.#tenant = tenant;
    const connection = redis.connect("bullmq");
    this.#queues = new Map(names.map((name) => [name, openQueue(name, { connection, keys })]));
    this.#turns = new Map(names.map((name) => [name, new JobTurns(connection, keys, name)]));
  }

  /** Adds jobs to their queues. BullMQ ignores a job whose id its queue already has. */
  async add(jobs: readonly QueuedJob[]): Promise<void> {
    const submissions = [...this.#queues].map(async ([name, queue]) => {
      const own = jobs.filter((job) => job.queue === name);
      const turns = this.#turns.get(name);
      if (own.length > 0 && turns) await this.#submit(queue, own, turns);
    });
    await Promise.all(submissions);
  }

  async #submit(queue: Queue, jobs: readonly QueuedJob[], turns: JobTurns): Promise<void> {
    const spans = jobs.map(({ id, data }) =>
      this.#tracer?.startSpan("submit", { attributes: { "sluice.job": id, ...describePayload(data) } }),
    );
    try {
      await addJobs(
        queue,
        jobs.map(({ id, name, data }, i) => ({
          id,
          name,
          payload: this.#tenant ? { ...data, tenant: this.#tenant } : data,
          trace: spans[i]?.context,
        })),
        turns,
      );
    } finally {
      for (const span of spans) span?.end();
    }
  }

  /** The jobs that will produce no more records, because Redis lost them or they failed or completed. One round trip. */
  async findFinished<J extends { readonly id: string }>(jobs: readonly J[]): Promise<J[]> {
    const isFinished = await Promise.all(jobs.map(({ id }) => this.#isFinished(id)));
    return jobs.filter((_, i) => isFinished[i]);
  }

  async #isFinished(jobId: string): Promise<boolean> {
    const states = await Promise.all([...this.#queues.values()].map((queue) => queue.getJobState(jobId)));
    return states.every((state) => state === "unknown" || state === "completed" || state === "failed");
  }

  /** Ends the delay of all delayed jobs. */
  async promoteDelayed(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.promoteJobs()));
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#queues.values()].map((queue) => queue.close()));
  }
}
