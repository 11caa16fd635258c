import type { Item } from "#src/core/item.ts";
import type { LookupResult } from "#src/producer/cache/answer-resolver.ts";
import type { RunContext } from "#src/producer/runs/run-environment.ts";
import { jobId } from "#src/queues/job-id.ts";
import type { OutstandingJob } from "#src/state/runs/run-control.ts";
import { FeedReader } from "./feed-reader.ts";
import type { Window } from "./feed-window.ts";
import { JOBS_PER_STEP, JobWriter, type PlannedJob } from "./job-writer.ts";
import { type JobItems, readJobItems } from "./read-job-items.ts";

/** A job to queue again, and the id that it gets. BullMQ ignores an id that its queue already has. */
export interface RequeuedJob extends OutstandingJob {
  readonly newId: string;
}

/** Maximum size of the texts of a run in Redis. The window limits only their number, and items may be large. */
const MAX_WINDOW_BYTES = 64 * 1024 * 1024;
/** Blocks read per step if a run has several lanes: a lane with few items must not delay the others to the end of file. */
const BLOCKS_PER_STEP = 8;

/**
 * Keeps the window full: reads items in order, records jobs in Redis as outstanding, then adds them to their queues. If
 * the items go to several lanes, each lane has a share of the window and its own reader, so a blocked lane does not
 * delay the others.
 */
export class Feeder {
  readonly #context: RunContext;
  readonly #window: Window;
  readonly #writer: JobWriter;
  readonly #stopSignal: AbortSignal;
  #cursor = 0;
  #readers = new Map<string, FeedReader>();
  #isBudgetExhausted = false;
  #windowSize: number;

  /** Once `stopSignal` aborts, the feeder stops reading ahead through items that have an answer. */
  constructor(context: RunContext, window: Window, stopSignal: AbortSignal) {
    this.#context = context;
    this.#window = window;
    this.#writer = new JobWriter(context, window);
    this.#stopSignal = stopSignal;
    this.#windowSize = context.windowSize;
  }

  /** Maximum number of items in Redis. If it is reduced, items that are already there stay. */
  get windowSize(): number {
    return this.#windowSize;
  }

  resize(items: number): void {
    this.#windowSize = items;
  }

  /** Whether all items have been fed. */
  get isEmpty(): boolean {
    return [...this.#readers.values()].every((reader) => reader.isEmpty) && !this.isWaiting;
  }

  /** Whether items wait for answers of other runs, so that `fill` must be called from time to time. */
  get isWaiting(): boolean {
    return (this.#context.resolver?.waiting ?? 0) > 0;
  }

  /** Whether the budget allows no further item, unless the items in flight cost less than expected. */
  get isBudgetExhausted(): boolean {
    return this.#isBudgetExhausted && !this.isEmpty;
  }

  get cursor(): number {
    return this.#cursor;
  }

  /** Starts at `cursor` and requeues the outstanding jobs; BullMQ ignores those that a queue still has. */
  async start(cursor: number, outstanding: readonly OutstandingJob[]): Promise<void> {
    await this.close();
    const { store, jobs, readItems } = this.#context;
    // Items that waited for the cache or for another run may be before the cursor, without a job.
    const [firstMissing] = store.missing();
    this.#cursor = Math.min(cursor, firstMissing?.start ?? cursor);
    const span = { from: this.#cursor, items: store.items };
    for (const lane of jobs.lanes ?? [""]) {
      const isInLane = (item: Item) => this.#laneOf(item) === lane;
      this.#readers.set(lane, new FeedReader(readItems, isInLane, span));
    }
    this.#window.clear();
    await this.requeue(outstanding.map((job) => ({ ...job, newId: job.id })));
  }

  /** Closes the items file. */
  async close(): Promise<void> {
    const readers = [...this.#readers.values()];
    this.#readers = new Map();
    await Promise.all(readers.map((reader) => reader.close()));
  }

  /** Fills the window. Resolves when it has no space or no items are left. */
  async fill(): Promise<void> {
    if (this.isWaiting) await this.#retryWaiting();
    for (let shouldContinue = true; shouldContinue; ) {
      shouldContinue = false;
      for (const [lane, reader] of this.#readers) {
        const space = this.#computeFreeSpace(lane);
        if (space === 0) continue;
        const { planned, hasMore } = await this.#planStep(lane, reader, space);
        if (planned.length > 0) await this.#writer.write(planned, this.#moveCursor());
        shouldContinue ||= planned.length > 0 || hasMore;
      }
    }
    await this.#writer.settle();
  }

  /** Queues the items of jobs that have no record yet, in a number of round trips that does not depend on the jobs. */
  async requeue(jobs: readonly RequeuedJob[]): Promise<void> {
    const { readItems, control, lease, resolver, budget, store } = this.#context;
    const source = {
      readItems,
      laneOf: (item: Item) => this.#laneOf(item),
      needsJob: (item: Item) => this.#needsJob(item),
    };
    const planned: PlannedJob[] = [];
    const ended: string[] = [];
    const found: JobItems<RequeuedJob>[] = [];
    for await (const one of readJobItems(jobs, source)) found.push(one);
    const cached = (await resolver?.resume(found.flatMap(({ items }) => items))) ?? [];
    await store.write(cached);
    for (const { job, lane, items } of found) {
      const { newId, ...rest } = job;
      const missing = items.filter(({ index }) => !store.has(index));
      if (missing.length === 0) ended.push(job.id);
      else planned.push({ job: { ...rest, id: newId }, lane, items: missing });
    }
    if (ended.length > 0) await control.trimResults(lease.token, undefined, ended);
    if (planned.length === 0) return;
    const items = planned.flatMap((job) => job.items);
    budget?.recordSent(items);
    await this.#writer.write(planned, this.#moveCursor());
    await this.#writer.settle();
  }

  /**
   * Number of items that may be fed to a lane now. The window is divided among the lanes that still have items, so that
   * their shares never exceed it together and no lane takes the share of another.
   */
  #computeFreeSpace(lane: string): number {
    const window = this.#window;
    if (window.bytes >= MAX_WINDOW_BYTES) return 0;
    const active = [...this.#readers].filter(([name, reader]) => !reader.isEmpty || window.openOf(name) > 0);
    const share = Math.max(1, Math.floor(this.#windowSize / Math.max(1, active.length)));
    const free = Math.max(this.#windowSize, active.length) - window.size;
    const space = active.length > 1 ? Math.min(free, share - window.openOf(lane)) : free;
    // Topping up item by item would create many small jobs, so space for a whole job is awaited.
    return space >= Math.min(this.#context.jobs.maxItems, Math.ceil(share / 4)) ? space : 0;
  }

  async #planStep(
    lane: string,
    reader: FeedReader,
    space: number,
  ): Promise<{ readonly planned: PlannedJob[]; readonly hasMore: boolean }> {
    const { jobs, control, budget } = this.#context;
    const { buffer } = reader;
    const planned: PlannedJob[] = [];
    let hasMore = false;
    let left = space;
    while (planned.length < JOBS_PER_STEP && left > 0) {
      hasMore = await this.#read(reader, jobs.maxItems);
      if (buffer.length === 0) break;
      const needed = Math.min(jobs.countNextItems(buffer, reader.hasEnded), Math.max(left, 1));
      const count = budget ? budget.countAffordable(buffer.slice(0, needed)) : needed;
      this.#isBudgetExhausted = count === 0;
      if (count === 0) break;
      const items = buffer.splice(0, count);
      budget?.recordSent(items);
      const [first, last] = [items[0]?.index ?? 0, items.at(-1)?.index ?? 0];
      const job = { id: jobId(control.runId, first, last), first, last, generation: 0 };
      planned.push({ job, lane, items });
      left -= count;
    }
    return { planned, hasMore };
  }

  /** Reads until `count` items without a record are buffered. True if it stopped early and there may be more. */
  async #read(reader: FeedReader, count: number): Promise<boolean> {
    const maxBlocks = this.#readers.size > 1 ? BLOCKS_PER_STEP : Number.POSITIVE_INFINITY;
    for (let blocks = 0; !reader.hasEnded && reader.buffer.length < count && this.#canReadMore(); blocks += 1) {
      if (blocks >= maxBlocks) return true;
      await this.#accept(reader, (await reader.read()) ?? []);
    }
    return false;
  }

  #canReadMore(): boolean {
    const { resolver } = this.#context;
    return !resolver || !(resolver.isFull(this.#windowSize) || this.#stopSignal.aborted);
  }

  async #accept(reader: FeedReader, block: readonly Item[]): Promise<void> {
    const { resolver } = this.#context;
    const needed = block.filter((item) => this.#needsJob(item) && !this.#window.has(item.index));
    if (!resolver) reader.insert(needed);
    else if (needed.length > 0) await this.#dispatch(await resolver.resolve(needed));
  }

  /** Retries items that other runs were requesting: their answers may have arrived, or these runs may have ended. */
  async #retryWaiting(): Promise<void> {
    const result = await this.#context.resolver?.retryWaiting();
    if (result) await this.#dispatch(result);
  }

  async #dispatch({ send, records }: LookupResult): Promise<void> {
    for (const [lane, items] of Map.groupBy(send, (item) => this.#laneOf(item))) {
      this.#readers.get(lane)?.insert(items);
    }
    if (records.length > 0) await this.#context.store.write(records);
  }

  #laneOf(item: Item): string {
    const { lanes = [""], laneOf } = this.#context.jobs;
    const lane = laneOf?.(item) ?? "";
    // An item of an unknown lane would never be read and the run would never end. Creating its job throws the error.
    return lanes.includes(lane) ? lane : (lanes[0] ?? "");
  }

  /** A duplicate gets its record together with its original. */
  #needsJob({ index, duplicateOf }: Item): boolean {
    return duplicateOf === undefined && !this.#context.store.has(index);
  }

  /** Moves the cursor to the first item that no reader has fed, and returns it. */
  #moveCursor(): number {
    const first = Math.min(...[...this.#readers.values()].map((reader) => reader.cursor));
    this.#cursor = Math.max(this.#cursor, first);
    return this.#cursor;
  }
}
