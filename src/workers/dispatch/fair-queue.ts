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
 * A queue that serves interactive inputs first and then runs in turn (round robin). Each `take` begins with the run
 * after the one that the last `take` began with, so that a small run beside a large one gets every other batch. If the
 * first run cannot fill a batch, the next ones do.
 */
export class FairQueue<T extends Queueable> {
  /** In the order in which runs are served; the first is next. */
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

  /** Puts items back at the front of their runs, in the given order. */
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

  /** Removes and returns the first `count` inputs, in the order of iteration. */
  take(count: number): T[] {
    const taken: T[] = [];
    for (const queues of [this.#interactive, this.#bulk]) {
      // Without a take there is no rotation: a steady trickle of interactive inputs would otherwise always skip the
      // same run.
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

  /** Removes and returns all matching items. */
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
    const existing = queues.get(runId);
    if (existing) return existing;
    const queue: RunQueue<T> = { items: [], head: 0 };
    queues.set(runId, queue);
    return queue;
  }

  /** Drops empty queues, and the taken part of long ones; dropping it at every take would cost linear time. */
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
