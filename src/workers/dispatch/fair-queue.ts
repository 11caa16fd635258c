/** What a line needs to know of an input. */
export interface Queueable {
  /** Inputs of one run keep their order; runs take turns. */
  readonly runId: string;
  readonly isInteractive: boolean;
}

interface RunQueue<T> {
  items: T[];
  head: number;
}

/**
 * Inputs in line: urgent ones first, then run by run in turn. Each `take` begins with the run after the one the last
 * take began with, so that a small run beside a large one gets every other batch; where the first run cannot fill a
 * batch, the next ones do.
 */
export class FairQueue<T extends Queueable> {
  /** In order of turns: the first is served next. */
  readonly #interactive = new Map<string, RunQueue<T>>();
  readonly #bulk = new Map<string, RunQueue<T>>();
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(...items: readonly T[]): void {
    for (const item of items) this.#getRunQueue(item).items.push(item);
    this.#length += items.length;
  }

  /** Back to the front of their runs, in the order given: their turn had come already. */
  unshift(items: readonly T[]): void {
    const byQueue = new Map<RunQueue<T>, T[]>();
    for (const item of items) {
      const queue = this.#getRunQueue(item);
      const list = byQueue.get(queue);
      if (list) list.push(item);
      else byQueue.set(queue, [item]);
    }
    for (const [queue, list] of byQueue) {
      queue.items = [...list, ...queue.items.slice(queue.head)];
      queue.head = 0;
    }
    this.#length += items.length;
  }

  /** The first `count` inputs, in the order of iteration. */
  take(count: number): T[] {
    const taken: T[] = [];
    for (const queues of [this.#interactive, this.#bulk]) {
      // Whoever had nothing taken keeps the turn: a steady trickle of urgent inputs would else always skip the same run.
      if (taken.length === count) break;
      const [first] = queues.keys();
      for (const [runId, queue] of queues) {
        while (taken.length < count && queue.head < queue.items.length) taken.push(queue.items[queue.head++] as T);
        this.#compact(queues, runId, queue);
        if (taken.length === count) break;
      }
      this.#rotate(queues, first);
    }
    this.#length -= taken.length;
    return taken;
  }

  /** Takes out what matches, wherever it stands. */
  remove(matches: (item: T) => boolean): T[] {
    const removed: T[] = [];
    for (const queues of [this.#interactive, this.#bulk]) {
      for (const [runId, queue] of queues) {
        const kept: T[] = [];
        for (let i = queue.head; i < queue.items.length; i++) {
          const item = queue.items[i] as T;
          (matches(item) ? removed : kept).push(item);
        }
        queue.items = kept;
        queue.head = 0;
        this.#compact(queues, runId, queue);
      }
    }
    this.#length -= removed.length;
    return removed;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (const queues of [this.#interactive, this.#bulk]) {
      for (const queue of queues.values()) {
        for (let i = queue.head; i < queue.items.length; i++) yield queue.items[i] as T;
      }
    }
  }

  #getRunQueue({ runId, isInteractive }: T): RunQueue<T> {
    const queues = isInteractive ? this.#interactive : this.#bulk;
    const known = queues.get(runId);
    if (known) return known;
    const queue: RunQueue<T> = { items: [], head: 0 };
    queues.set(runId, queue);
    return queue;
  }

  /** Drops empty queues, and the taken part of long ones: moving it at every take would cost linear time. */
  #compact(queues: Map<string, RunQueue<T>>, runId: string, queue: RunQueue<T>): void {
    if (queue.head === queue.items.length) queues.delete(runId);
    else if (queue.head > 1_024 && queue.head * 2 > queue.items.length) {
      queue.items = queue.items.slice(queue.head);
      queue.head = 0;
    }
  }

  #rotate(queues: Map<string, RunQueue<T>>, first: string | undefined): void {
    const queue = first === undefined ? undefined : queues.get(first);
    if (first === undefined || !queue) return;
    queues.delete(first);
    queues.set(first, queue);
  }
}
