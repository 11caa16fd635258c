import type { Clock } from "#src/core/clock.ts";
import type { Item } from "#src/core/item.ts";
import type { AnswerResolver, LookupResult } from "#src/producer/cache/answer-resolver.ts";
import type { JobFactory } from "#src/producer/run-kinds/job-factory.ts";
import type { RunBudget } from "#src/producer/runs/budget/run-budget.ts";
import { RunLostError, RunStoppedError } from "#src/producer/runs/run-error.ts";
import { jobId } from "#src/queues/job-id.ts";
import type { WireRecord } from "#src/state/records/record-codec.ts";
import type { OutstandingJob, RunControl } from "#src/state/runs/run-control.ts";
import { FeedReader } from "./feed-reader.ts";
import type { RunQueues } from "./run-queues.ts";
import type { Window } from "./window.ts";

export interface FeederDeps {
  readonly control: RunControl;
  readonly queues: RunQueues;
  readonly clock: Clock;
  /** Who holds the run's lease. */
  readonly token: string;
  readonly window: Window;
  readonly windowSize: number;
  readonly jobs: JobFactory;
  readonly items: number;
  /** The items from an index on, in order, as blocks. */
  readonly readItems: (from: number) => AsyncIterable<readonly Item[]>;
  /** What may be fed; everything when absent. */
  readonly budget?: RunBudget;
  /** Has the item its record on disk? */
  readonly isDone: (index: number) => boolean;
  /** The first item without a record. */
  readonly findFirstMissing: () => number | undefined;
  /** What is known already, or asked by others, is not fed. Everything is when absent. */
  readonly resolver?: AnswerResolver;
  /** Stores records that nobody had to be asked for. */
  readonly storeRecords?: (records: readonly WireRecord[]) => Promise<void>;
  /** The run is stopping: reading on through what is known would keep it from its end. */
  readonly isStopping?: () => boolean;
}

interface PlannedJob {
  readonly job: OutstandingJob;
  readonly lane: string;
  readonly items: readonly Item[];
}

/** Jobs added in one step: BullMQ's bulk add is a pipeline, and a short one keeps other users of Redis going. */
const JOBS_PER_STEP = 25;
/** Texts of a run in Redis at once: the window counts items, and a few thousand items may be large. */
const MAX_WINDOW_BYTES = 64 * 1024 * 1024;
/** Of lanes that share a run: one whose items are rare must not keep the others waiting for the end of the file. */
const BLOCKS_PER_STEP = 8;

/**
 * Keeps the window full: reads items in order, notes jobs in Redis, then queues them. Where items go to several lanes,
 * each has its share of the window and is read on its own, so that one that stands still holds up no other.
 */
export class Feeder {
  readonly #deps: FeederDeps;
  #cursor = 0;
  #readers = new Map<string, FeedReader>();
  #isBudgetExhausted = false;
  #windowSize: number;

  constructor(deps: FeederDeps) {
    this.#deps = deps;
    this.#windowSize = deps.windowSize;
  }

  /** Items of the run in Redis at once. What is there already stays, when there is to be less. */
  get windowSize(): number {
    return this.#windowSize;
  }

  resize(items: number): void {
    this.#windowSize = items;
  }

  /** Everything was fed. */
  get isEmpty(): boolean {
    return [...this.#readers.values()].every((reader) => reader.isEmpty) && !this.isWaiting;
  }

  /** Items wait for the answers of other runs: it is worth looking again from time to time. */
  get isWaiting(): boolean {
    return (this.#deps.resolver?.waiting ?? 0) > 0;
  }

  /** The budget affords no further item, unless those on their way cost less than expected. */
  get isBudgetExhausted(): boolean {
    return this.#isBudgetExhausted && !this.isEmpty;
  }

  get cursor(): number {
    return this.#cursor;
  }

  /** Starts at `cursor`, and queues again what is noted as outstanding: jobs the queue still has are left alone. */
  async start(cursor: number, outstanding: readonly OutstandingJob[]): Promise<void> {
    await this.close();
    const { findFirstMissing, items, jobs, readItems, window } = this.#deps;
    // What was answered from a cache, or waited for another run, lies before the cursor without a job of its own.
    this.#cursor = Math.min(cursor, findFirstMissing() ?? cursor);
    const span = { from: this.#cursor, items };
    for (const lane of jobs.lanes ?? [""]) {
      const isInLane = (item: Item) => this.#laneOf(item) === lane;
      this.#readers.set(lane, new FeedReader(readItems, isInLane, span));
    }
    window.clear();
    for (const job of outstanding) await this.requeue(job, job.id);
  }

  /** Lets go of the spool. */
  async close(): Promise<void> {
    const readers = [...this.#readers.values()];
    this.#readers = new Map();
    await Promise.all(readers.map((reader) => reader.close()));
  }

  /** Fills the window. Resolves when there is no room or nothing left to feed. */
  async fill(): Promise<void> {
    if (this.isWaiting) await this.#retryWaiting();
    for (let shouldContinue = true; shouldContinue; ) {
      shouldContinue = false;
      for (const [lane, reader] of this.#readers) {
        const room = this.#computeFreeSpace(lane);
        if (room === 0) continue;
        const { planned, hasMore } = await this.#planStep(lane, reader, room);
        if (planned.length > 0) await this.#queue(planned);
        shouldContinue ||= planned.length > 0 || hasMore;
      }
    }
  }

  /** Queues the items of a job that have no record yet, under `id` (the same id is a no-op where the job exists). */
  async requeue(job: OutstandingJob, id: string): Promise<void> {
    const { readItems, control, token } = this.#deps;
    const items: Item[] = [];
    let lane: string | undefined;
    for await (const block of readItems(job.first)) {
      for (const item of block) {
        // Between a job's items may stand those of other lanes, which have jobs of their own.
        lane ??= this.#laneOf(item);
        if (item.index <= job.last && this.#laneOf(item) === lane && this.#needsJob(item)) items.push(item);
      }
      if ((block.at(-1)?.index ?? job.last) >= job.last) break;
    }
    if (lane === undefined || items.length === 0) {
      await control.trimResults(token, undefined, [job.id]);
      return;
    }
    await this.#deps.resolver?.resume(items);
    this.#deps.budget?.recordSent(items);
    await this.#queue([{ job: { ...job, id }, lane, items }]);
  }

  /**
   * Items that a lane may be given now. Shares are of all lanes that have something left to do, so that together they
   * never want more than the window, and none is without room for what others hold.
   */
  #computeFreeSpace(lane: string): number {
    const { window, jobs } = this.#deps;
    if (window.bytes >= MAX_WINDOW_BYTES) return 0;
    const alive = [...this.#readers].filter(([name, reader]) => !reader.isEmpty || window.openOf(name) > 0);
    const share = Math.max(1, Math.floor(this.#windowSize / Math.max(1, alive.length)));
    const free = Math.max(this.#windowSize, alive.length) - window.size;
    const room = alive.length > 1 ? Math.min(free, share - window.openOf(lane)) : free;
    // Topping up item by item would make many small jobs; a job's worth of room makes full ones.
    return room >= Math.min(jobs.maxItems, Math.ceil(share / 4)) ? room : 0;
  }

  async #planStep(
    lane: string,
    reader: FeedReader,
    room: number,
  ): Promise<{ readonly planned: PlannedJob[]; readonly hasMore: boolean }> {
    const { jobs, control, budget } = this.#deps;
    const { buffer } = reader;
    const planned: PlannedJob[] = [];
    let hasMore = false;
    let left = room;
    while (planned.length < JOBS_PER_STEP && left > 0) {
      hasMore = await this.#read(reader, jobs.maxItems);
      if (buffer.length === 0) break;
      const needed = Math.min(jobs.plan(buffer, reader.hasEnded), Math.max(left, 1));
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

  /** Reads on until `count` items without a record are at hand; true when it has read far and may find more. */
  async #read(reader: FeedReader, count: number): Promise<boolean> {
    const maxBlocks = this.#readers.size > 1 ? BLOCKS_PER_STEP : Number.POSITIVE_INFINITY;
    for (let blocks = 0; !reader.hasEnded && reader.buffer.length < count && this.#canReadMore(); blocks += 1) {
      if (blocks >= maxBlocks) return true;
      await this.#accept(reader, (await reader.read()) ?? []);
    }
    return false;
  }

  #canReadMore(): boolean {
    const { resolver, isStopping } = this.#deps;
    return !resolver || !(resolver.isFull(this.#windowSize) || isStopping?.());
  }

  async #accept(reader: FeedReader, block: readonly Item[]): Promise<void> {
    const { resolver, window } = this.#deps;
    const needed = block.filter((item) => this.#needsJob(item) && !window.has(item.index));
    if (!resolver) reader.insert(needed);
    else if (needed.length > 0) await this.#dispatch(await resolver.resolve(needed));
  }

  /** Items that other runs were asking: their answers may have come, or their askers may have gone. */
  async #retryWaiting(): Promise<void> {
    const result = await this.#deps.resolver?.retryWaiting();
    if (result) await this.#dispatch(result);
  }

  async #dispatch({ send, records }: LookupResult): Promise<void> {
    for (const [lane, items] of Map.groupBy(send, (item) => this.#laneOf(item))) {
      this.#readers.get(lane)?.insert(items);
    }
    if (records.length > 0) await this.#deps.storeRecords?.(records);
  }

  #laneOf(item: Item): string {
    const { lanes = [""], laneOf } = this.#deps.jobs;
    const lane = laneOf?.(item) ?? "";
    // What no lane owns is nobody's to read, and the run would never end: making its job says what is wrong.
    return lanes.includes(lane) ? lane : (lanes[0] ?? "");
  }

  /** A copy gets its record together with the item it is equal to. */
  #needsJob({ index, duplicateOf }: Item): boolean {
    return duplicateOf === undefined && !this.#deps.isDone(index);
  }

  async #queue(planned: readonly PlannedJob[]): Promise<void> {
    const { control, token, window, clock, queues, jobs } = this.#deps;
    const minCursor = Math.min(...[...this.#readers.values()].map((reader) => reader.cursor));
    this.#cursor = Math.max(this.#cursor, minCursor);
    const reply = await control.feed(
      token,
      this.#cursor,
      planned.map(({ job }) => job),
    );
    if (reply === "lost") throw new RunLostError();
    if (reply === "taken") throw new RunStoppedError("lost-lease", "another process has taken over this run");
    for (const { job, lane, items } of planned) {
      const bytes = items.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
      const indices = items.map((item) => item.index);
      window.add(job, indices, clock.now(), { bytes, lane });
    }
    const made = planned.map(async ({ job, items }) => ({ ...(await jobs.createJob(items)), id: job.id }));
    await queues.add(await Promise.all(made));
  }
}
