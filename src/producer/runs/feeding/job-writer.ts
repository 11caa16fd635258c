import type { Item } from "#src/core/item.ts";
import type { RunContext } from "#src/producer/runs/run-environment.ts";
import { RunLostError, RunStoppedError } from "#src/producer/runs/run-error.ts";
import type { OutstandingJob } from "#src/state/runs/run-control.ts";
import type { Window } from "./feed-window.ts";

/** A job and the items that it is to process. */
export interface PlannedJob {
  readonly job: OutstandingJob;
  readonly lane: string;
  readonly items: readonly Item[];
}

/** Jobs added in one step: BullMQ's bulk add is a pipeline, and a long one would delay other Redis clients. */
export const JOBS_PER_STEP = 25;
/** Bounds the memory for texts that are being sent to Redis. */
const MAX_PENDING_BYTES = 16 * 1024 * 1024;

/**
 * Records jobs in Redis as outstanding, then adds them to their queues. Steps don't wait for each other's replies, so that
 * the time to queue a window depends on the latency of Redis only by a constant number of round trips.
 */
export class JobWriter {
  readonly #context: RunContext;
  readonly #window: Window;
  #pending: Promise<void>[] = [];
  #pendingBytes = 0;

  constructor(context: RunContext, window: Window) {
    this.#context = context;
    this.#window = window;
  }

  /**
   * Adds jobs to the window and starts writing them. Resolves when there is memory for further ones. `cursor`: all items
   * before it have been fed.
   */
  async write(planned: readonly PlannedJob[], cursor: number): Promise<void> {
    for (let at = 0; at < planned.length; at += JOBS_PER_STEP) {
      const step = planned.slice(at, at + JOBS_PER_STEP);
      this.#pendingBytes += this.#addToWindow(step);
      const writing = this.#writeStep(step, cursor);
      // `settle` reports the error.
      writing.catch(() => undefined);
      this.#pending.push(writing);
      if (this.#pendingBytes > MAX_PENDING_BYTES) await this.settle();
    }
  }

  /** Waits for all steps. Throws a RunLostError if Redis has lost the run, else the first error. */
  async settle(): Promise<void> {
    const pending = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    const outcomes = await Promise.allSettled(pending);
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  }

  #addToWindow(planned: readonly PlannedJob[]): number {
    const { clock, store } = this.#context;
    let total = 0;
    for (const { job, lane, items } of planned) {
      const bytes = items.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
      // A record may have been collected since the items were read.
      const indices = items.map(({ index }) => index).filter((index) => !store.has(index));
      this.#window.add(job, indices, clock.monotonic(), { bytes, lane });
      total += bytes;
    }
    return total;
  }

  async #writeStep(planned: readonly PlannedJob[], cursor: number): Promise<void> {
    const { control, lease, queues, jobs } = this.#context;
    const reply = await control.feed(
      lease.token,
      cursor,
      planned.map(({ job }) => job),
    );
    if (reply === "lost") throw new RunLostError();
    if (reply === "taken") throw new RunStoppedError("lost-lease", "another process has taken over this run");
    const created = planned.map(async ({ job, items }) => ({ ...(await jobs.createJob(items)), id: job.id }));
    await queues.add(await Promise.all(created));
  }
}
