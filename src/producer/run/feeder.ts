import type { Clock } from "../../core/clock.ts";
import type { Item } from "../../core/item.ts";
import { jobId } from "../../queue/job-id.ts";
import type { WireRecord } from "../../queue/record-codec.ts";
import type { OutstandingJob, RunControl } from "../../queue/run-control.ts";
import type { RunReuse, Sifted } from "../reuse/run-reuse.ts";
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
  /** The first item without a record. */
  readonly firstMissing: () => number | undefined;
  /** What is known already, or asked by others, is not fed. Everything is when absent. */
  readonly reuse?: RunReuse;
  /** Stores records that nobody had to be asked for. */
  readonly deliver?: (records: readonly WireRecord[]) => Promise<void>;
  /** The run is stopping: reading on through what is known would keep it from its end. */
  readonly isStopping?: () => boolean;
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
    return this.#ended && this.#buffer.length === 0 && !this.isWaiting;
  }

  /** Items wait for the answers of other runs: it is worth looking again from time to time. */
  get isWaiting(): boolean {
    return (this.#deps.reuse?.waiting ?? 0) > 0;
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
    // What was answered from a cache, or waited for another run, lies before the cursor without a job of its own.
    this.#cursor = Math.min(cursor, this.#deps.firstMissing() ?? cursor);
    this.#buffer = [];
    this.#ended = this.#cursor >= this.#deps.items;
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
    const { window, jobs } = this.#deps;
    const windowSize = this.#windowSize;
    // Topping up item by item would make many small jobs; a job's worth of room makes full ones.
    if (this.isWaiting) await this.#lookAgain();
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
    await this.#deps.reuse?.resume(items);
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
      this.#cursor = Math.max(this.#cursor, last + 1);
      left -= count;
    }
    return planned;
  }

  /** Reads on until `count` items without a record are at hand. */
  async #read(count: number): Promise<void> {
    this.#reader ??= this.#deps.readItems(this.#cursor)[Symbol.asyncIterator]();
    while (!this.#ended && this.#buffer.length < count && this.#mayReadOn()) {
      const next = await this.#reader.next();
      if (next.done) this.#ended = true;
      else await this.#take(next.value);
    }
  }

  #mayReadOn(): boolean {
    const { reuse, isStopping } = this.#deps;
    return !reuse || !(reuse.isFull(this.#windowSize) || isStopping?.());
  }

  async #take(block: readonly Item[]): Promise<void> {
    const { reuse, window } = this.#deps;
    const wanted = block.filter((item) => this.#isWanted(item) && !window.has(item.index));
    if (!reuse) for (const item of wanted) this.#buffer.push(item);
    else if (wanted.length > 0) await this.#sort(await reuse.sift(wanted));
  }

  /** Items that other runs were asking: their answers may have come, or their askers may have gone. */
  async #lookAgain(): Promise<void> {
    const sifted = await this.#deps.reuse?.again();
    if (sifted) await this.#sort(sifted);
  }

  async #sort({ send, records }: Sifted): Promise<void> {
    const isLate = (send[0]?.index ?? Number.POSITIVE_INFINITY) < (this.#buffer.at(-1)?.index ?? 0);
    for (const item of send) this.#buffer.push(item);
    // Jobs are ranges: what comes late goes before what is behind it.
    if (isLate) this.#buffer.sort((a, b) => a.index - b.index);
    if (records.length > 0) await this.#deps.deliver?.(records);
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
