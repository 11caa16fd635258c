import type { OutstandingJob } from "#src/state/runs/run-control.ts";

export interface WindowJob extends OutstandingJob {
  /** Items of the job without a collected record. */
  readonly open: Set<number>;
  /** When something last happened to it, epoch ms. */
  progressAt: number;
  /** Of its items' texts. */
  readonly bytes: number;
  /** What its items share a limit with; empty where all of a run's do. */
  readonly lane: string;
}

/**
 * The items of a run that are in Redis at this moment, by job. Pure bookkeeping: what was fed and not yet collected.
 * Its size is what bounds Redis, whatever the size of the corpus.
 */
export class Window {
  readonly #jobs = new Map<string, WindowJob>();
  readonly #jobOf = new Map<number, WindowJob>();
  /** Collected, but not yet durable on disk: still in the results stream. */
  #collected = 0;
  #bytes = 0;

  /** Bytes of the jobs that have not ended. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Items in Redis: queued, being worked on, or waiting to be durable. */
  get size(): number {
    return this.#jobOf.size + this.#collected;
  }

  /** Items without a record. */
  get open(): number {
    return this.#jobOf.size;
  }

  /** Items of a lane without a record. */
  openOf(lane: string): number {
    let open = 0;
    for (const job of this.#jobs.values()) if (job.lane === lane) open += job.open.size;
    return open;
  }

  /** Whether the item is in a job. */
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
      // After a crash two jobs may hold one item. It counts once, or the older job would never end.
      this.#jobOf.get(index)?.open.delete(index);
      this.#jobOf.set(index, entry);
    }
  }

  /** Notes that a record was collected. */
  markCollected(index: number, now: number): void {
    const job = this.#jobOf.get(index);
    if (!job) return;
    this.#jobOf.delete(index);
    this.#collected += 1;
    job.open.delete(index);
    job.progressAt = now;
  }

  /** Notes that everything collected before is durable; returns the jobs that have thereby ended. */
  markDurable(collectedBefore: number): string[] {
    this.#collected -= Math.min(collectedBefore, this.#collected);
    const ended = [...this.#jobs.values()].filter((job) => job.open.size === 0).map((job) => job.id);
    for (const id of ended) this.remove(id);
    return ended;
  }

  get collected(): number {
    return this.#collected;
  }

  /** Jobs to which nothing has happened since `before`. */
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
