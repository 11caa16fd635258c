import type { OutstandingJob } from "#src/state/runs/run-control.ts";

export interface WindowJob extends OutstandingJob {
  /** Indices of the job's items without a collected record. */
  readonly open: Set<number>;
  /** When the job was queued or last had a record collected, by the monotonic clock. */
  progressAt: number;
  /** Total size of the texts of its items. */
  readonly bytes: number;
  /** The lane of its items; empty if the run has only one. */
  readonly lane: string;
}

/**
 * The items of a run that are in Redis, by job: fed and not yet collected. Its size bounds the memory that a run of any size
 * uses in Redis. It only keeps counts and does no I/O.
 */
export class Window {
  readonly #jobs = new Map<string, WindowJob>();
  readonly #jobOf = new Map<number, WindowJob>();
  /** Number of items that are collected but not durable, so still in the results stream. */
  #collected = 0;
  #bytes = 0;

  /** Size of the texts of jobs that have not ended. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Number of items in Redis: queued, in a call, or collected and not durable. */
  get size(): number {
    return this.#jobOf.size + this.#collected;
  }

  /** Number of items without a record. */
  get open(): number {
    return this.#jobOf.size;
  }

  /** Number of a lane's items without a record. */
  openOf(lane: string): number {
    let open = 0;
    for (const job of this.#jobs.values()) if (job.lane === lane) open += job.open.size;
    return open;
  }

  /** Whether the item is part of a job. */
  has(index: number): boolean {
    return this.#jobOf.has(index);
  }

  add(
    job: OutstandingJob,
    items: Iterable<number>,
    now: number,
    { bytes = 0, lane = "" }: { readonly bytes?: number; readonly lane?: string } = {},
  ): void {
    this.remove(job.id);
    const entry: WindowJob = { ...job, open: new Set(items), progressAt: now, bytes, lane };
    if (entry.open.size === 0) return;
    this.#bytes += bytes;
    this.#jobs.set(job.id, entry);
    for (const index of entry.open) {
      // After a crash two jobs may contain the same item. It counts for the newer one, or the older would never end.
      this.#jobOf.get(index)?.open.delete(index);
      this.#jobOf.set(index, entry);
    }
  }

  /** Registers that the item's record was collected. */
  markCollected(index: number, now: number): void {
    const job = this.#jobOf.get(index);
    if (!job) return;
    this.#jobOf.delete(index);
    this.#collected += 1;
    job.open.delete(index);
    job.progressAt = now;
  }

  /** Registers that the first `collectedBefore` collected records are durable. Returns the ids of jobs that have ended. */
  markDurable(collectedBefore: number): string[] {
    this.#collected -= Math.min(collectedBefore, this.#collected);
    const ended = [...this.#jobs.values()].filter((job) => job.open.size === 0).map((job) => job.id);
    for (const id of ended) this.remove(id);
    return ended;
  }

  get collected(): number {
    return this.#collected;
  }

  /** Jobs without progress since `before`, by the monotonic clock. */
  idleSince(before: number): WindowJob[] {
    return [...this.#jobs.values()].filter((job) => job.open.size > 0 && job.progressAt < before);
  }

  remove(id: string): void {
    const job = this.#jobs.get(id);
    if (!job) return;
    for (const index of job.open) this.#jobOf.delete(index);
    this.#jobs.delete(id);
    this.#bytes -= job.bytes;
  }

  clear(): void {
    this.#jobs.clear();
    this.#jobOf.clear();
    this.#collected = 0;
    this.#bytes = 0;
  }
}
