import { coerceError, InputError } from "#src/core/failures/errors.ts";
import type { Tracer } from "#src/core/tracer.ts";
import { JobTurns } from "#src/queues/job-turns.ts";
import { type JobPriority, queueName } from "#src/queues/names.ts";
import { addJobs, openQueue, type Queue } from "#src/queues/open-queue.ts";
import { describePayload, type JobPayload } from "#src/queues/payload.ts";
import { batchPerTick } from "#src/redis/batch-per-tick.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { type NewItem, registerItem } from "#src/state/items/item-store.ts";
import { groupSubmissions } from "./group-submissions.ts";

export interface Submission {
  readonly id: string;
  readonly payload: JobPayload;
  /** Bytes of a request that may share its job with others; undefined when it needs its own job. */
  readonly bytes?: number;
  readonly priority: JobPriority;
  readonly ttlMs: number;
  readonly metadata?: unknown;
  /** A request too large for the payload. */
  readonly request?: string;
  /** Hash of the request, if the id comes from an idempotency key. */
  readonly digest?: string;
}

/** Items per bulk add, which is a transaction in BullMQ; a short one does not block other users of Redis. */
const ITEMS_PER_STEP = 200;

type AddJob = (submission: Submission) => Promise<void>;

/** Registers items and adds their jobs to the queues, in batches per tick. */
export class Submitter {
  readonly #client: RedisClient;
  readonly #keys: Keys;
  readonly #tracer: Tracer | undefined;
  readonly #queues = new Map<string, { readonly queue: Queue; readonly add: AddJob }>();

  constructor(client: RedisClient, keys: Keys, tracer?: Tracer) {
    this.#tracer = tracer;
    this.#client = client;
    this.#keys = keys;
  }

  /**
   * Resolves when the job is in its queue. Submitting the same id again changes nothing. Throws an InputError if it belongs to
   * another request.
   */
  async submit(submission: Submission): Promise<void> {
    if (!this.#tracer) return await this.#submit(submission);
    const { id, payload } = submission;
    const span = this.#tracer.startSpan("submit", {
      attributes: { "sluice.job": id, ...describePayload(payload) },
    });
    const traced = span.context === undefined ? payload : { ...payload, trace: span.context };
    // A traced item needs its own job, which carries the trace context.
    try {
      await this.#submit({ ...submission, bytes: undefined, payload: traced });
      span.end();
    } catch (error) {
      span.end({ error: coerceError(error).name });
      throw error;
    }
  }

  async #submit(submission: Submission): Promise<void> {
    const { id, payload, priority, ttlMs, metadata, request, digest } = submission;
    const item: NewItem = {
      kind: payload.kind,
      model: `${payload.provider}/${payload.model}`,
      total: payload.kind === "embedding" ? payload.items.length : 1,
      submittedAt: Date.now(),
      metadata,
      request,
      digest,
    };
    // In parallel: a worker that receives the job before the item is registered (on a cluster, or when the script must be
    // loaded again) retries. The job is added even for a known item, because its submitter may have crashed before
    // adding it; an existing job is not changed.
    const add = () => this.#queue(queueName(payload.provider, payload.kind, priority)).add(submission);
    const register = () => registerItem(this.#client, this.#keys, id, item, ttlMs);
    if (digest === undefined) {
      await Promise.all([register(), add()]);
      return;
    }
    // One after the other: the job of another request must not be added for this item.
    if ((await register()) === "other") {
      throw new InputError(
        "another request was submitted with the same key; repeat that request, or use a new key",
        "idempotencyKey",
      );
    }
    await add();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#queues.values()].map(({ queue }) => queue.close()));
  }

  #queue(name: string): { readonly add: AddJob } {
    const known = this.#queues.get(name);
    if (known) return known;
    // On the connection that registers items: a job added after its item is not visible before it.
    const queue = openQueue(name, { connection: this.#client, keys: this.#keys });
    const turns = new JobTurns(this.#client, this.#keys, name);
    const add = batchPerTick(async (submissions: readonly Submission[]) => {
      const jobs = groupSubmissions(submissions).map(({ id, payload }) => ({ id, name: payload.kind, payload }));
      await addJobs(queue, jobs, turns);
      return submissions.map(() => undefined);
    }, ITEMS_PER_STEP);
    const made = { queue, add };
    this.#queues.set(name, made);
    return made;
  }
}
