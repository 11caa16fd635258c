import type { Clock } from "../../core/clock.ts";
import type { Item } from "../../core/item.ts";
import { jobId } from "../../queue/job-id.ts";
import type { OutstandingJob, RunControl } from "../../queue/run-control.ts";
import type { JobMaker } from "./job-maker.ts";
import type { RunBudget } from "./run-budget.ts";
import { RunLost, RunStopped } from "./run-error.ts";
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
  readonly jobs: JobMaker;
  readonly items: number;
  /** The items from an index on, in order, as blocks. */
  readonly readItems: (from: number) => AsyncIterable<readonly Item[]>;
  /** What may be fed; everything when absent. */
  readonly budget?: RunBudget;
  /** Has the item its record on disk? */
  readonly isDone: (index: number) => boolean;
}

interface PlannedJob {
  readonly job: OutstandingJob;
  readonly items: readonly Item[];
}

/** Jobs added in one step: BullMQ's bulk add is a pipeline, and a short one keeps other users of Redis going. */
const JOBS_PER_STEP = 25;
/** Texts of a run in Redis at once: the window counts items, and a few thousand items may be large. */
const MAX_WINDOW_BYTES = 64 * 1024 * 1024;

/** Keeps the window full: reads items in order, notes jobs in Redis, then queues them. */
export class Feeder {
  readonly #deps: FeederDeps;
  #cursor = 0;
  #reader: AsyncIterator<readonly Item[]> | undefined;
  #buffer: Item[] = [];
  #ended = false;
  #exhausted = false;

  constructor(deps: FeederDeps) {
    this.#deps = deps;
  }

  /** Everything was fed. */
  get isEmpty(): boolean {
    return this.#ended && this.#buffer.length === 0;
  }

  /** The budget affords no further item, unless those on their way cost less than expected. */
  get isExhausted(): boolean {
    return this.#exhausted && !this.isEmpty;
  }

  get cursor(): number {
    return this.#cursor;
  }

  /** Starts at `cursor`, and queues again what is noted as outstanding: jobs the queue still has are left alone. */
  async start(cursor: number, outstanding: readonly OutstandingJob[]): Promise<void> {
    await this.close();
    this.#cursor = cursor;
    this.#buffer = [];
    this.#ended = cursor >= this.#deps.items;
    this.#deps.window.clear();
    for (const job of outstanding) await this.requeue(job, job.id);
  }

  /** Lets go of the spool. */
  async close(): Promise<void> {
    await this.#reader?.return?.();
    this.#reader = undefined;
  }

  /** Fills the window. Resolves when there is no room or nothing left to feed. */
  async fill(): Promise<void> {
    const { window, windowSize, jobs } = this.#deps;
    // Topping up item by item would make many small jobs; a job's worth of room makes full ones.
    const worthwhile = Math.min(jobs.maxItems, Math.ceil(windowSize / 4));
    while (!this.isEmpty && windowSize - window.size >= worthwhile && window.bytes < MAX_WINDOW_BYTES) {
      const planned = await this.#planStep(windowSize - window.size);
      if (planned.length === 0) return;
      await this.#queue(planned);
    }
  }

  /** Queues the items of a job that have no record yet, under `id` (the same id is a no-op where the job exists). */
  async requeue(job: OutstandingJob, id: string): Promise<void> {
    const { readItems, control, token } = this.#deps;
    const items: Item[] = [];
    for await (const block of readItems(job.first)) {
      for (const item of block) if (item.index <= job.last && this.#isWanted(item)) items.push(item);
      if ((block.at(-1)?.index ?? job.last) >= job.last) break;
    }
    if (items.length === 0) {
      await control.trim(token, undefined, [job.id]);
      return;
    }
    this.#deps.budget?.fed(items);
    await this.#queue([{ job: { ...job, id }, items }]);
  }

  async #planStep(room: number): Promise<PlannedJob[]> {
    const { jobs, control, budget } = this.#deps;
    const planned: PlannedJob[] = [];
    let left = room;
    while (planned.length < JOBS_PER_STEP && left > 0) {
      await this.#read(jobs.maxItems);
      if (this.#buffer.length === 0) break;
      const wanted = Math.min(jobs.plan(this.#buffer, this.#ended), Math.max(left, 1));
      const count = budget ? budget.affordable(this.#buffer.slice(0, wanted)) : wanted;
      this.#exhausted = count === 0;
      if (count === 0) break;
      const items = this.#buffer.splice(0, count);
      budget?.fed(items);
      const [first, last] = [items[0]?.index ?? 0, items.at(-1)?.index ?? 0];
      planned.push({ job: { id: jobId(control.runId, first, last), first, last, generation: 0 }, items });
      this.#cursor = last + 1;
      left -= count;
    }
    return planned;
  }

  /** Reads on until `count` items without a record are at hand. */
  async #read(count: number): Promise<void> {
    this.#reader ??= this.#deps.readItems(this.#cursor)[Symbol.asyncIterator]();
    while (!this.#ended && this.#buffer.length < count) {
      const next = await this.#reader.next();
      if (next.done) this.#ended = true;
      else for (const item of next.value) if (this.#isWanted(item)) this.#buffer.push(item);
    }
  }

  /** A copy gets its record together with the item it is equal to. */
  #isWanted({ index, sameAs }: Item): boolean {
    return sameAs === undefined && !this.#deps.isDone(index);
  }

  async #queue(planned: readonly PlannedJob[]): Promise<void> {
    const { control, token, window, clock, queues, jobs } = this.#deps;
    const reply = await control.feed(
      token,
      this.#cursor,
      planned.map(({ job }) => job),
    );
    if (reply === "lost") throw new RunLost();
    if (reply === "taken") throw new RunStopped("lost-lease", "another process has taken over this run");
    for (const { job, items } of planned)
      window.add(
        job,
        items.map((item) => item.index),
        clock.now(),
        items.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0),
      );
    const made = planned.map(async ({ job, items }) => ({ ...(await jobs.make(items)), id: job.id }));
    await queues.add(await Promise.all(made));
  }
}
