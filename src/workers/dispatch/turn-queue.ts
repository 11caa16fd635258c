import type { InputQueue } from "./fifo.ts";

export interface TurnQueueOptions<T> {
  /** The key of the queue that an item belongs to. */
  readonly ownerOf: (item: T) => string;
  /** Turns in a row of that queue; 1 or more. */
  readonly weightOf: (item: T) => number;
  readonly createQueue: () => InputQueue<T>;
}

interface Owner<T> {
  readonly queue: InputQueue<T>;
  readonly weight: number;
  /** Turns that are left before the next owner is served. */
  turns: number;
}

/** A queue of queues, which take turns: a `take` begins with the queue whose turn it is, and goes on with the next ones. */
export class TurnQueue<T> implements InputQueue<T> {
  readonly #options: TurnQueueOptions<T>;
  /** In the order in which they are served; the first is next. None is empty. */
  readonly #owners = new Map<string, Owner<T>>();
  #length = 0;

  constructor(options: TurnQueueOptions<T>) {
    this.#options = options;
  }

  get length(): number {
    return this.#length;
  }

  push(item: T): void {
    this.#findOwner(item).queue.push(item);
    this.#length += 1;
  }

  unshift(items: readonly T[]): void {
    const byOwner = new Map<Owner<T>, T[]>();
    for (const item of items) {
      const owner = this.#findOwner(item);
      const list = byOwner.get(owner);
      if (list) list.push(item);
      else byOwner.set(owner, [item]);
    }
    for (const [owner, list] of byOwner) owner.queue.unshift(list);
    this.#length += items.length;
  }

  take(count: number): T[] {
    if (count === 0) return [];
    const taken: T[] = [];
    const [first] = this.#owners.keys();
    for (const [key, { queue }] of this.#owners) {
      taken.push(...queue.take(count - taken.length));
      if (queue.length === 0) this.#owners.delete(key);
      if (taken.length === count) break;
    }
    this.#length -= taken.length;
    this.#endTurn(first);
    return taken;
  }

  remove(matches: (item: T) => boolean): T[] {
    const removed: T[] = [];
    for (const [key, { queue }] of this.#owners) {
      removed.push(...queue.remove(matches));
      if (queue.length === 0) this.#owners.delete(key);
    }
    this.#length -= removed.length;
    return removed;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (const { queue } of this.#owners.values()) yield* queue;
  }

  #findOwner(item: T): Owner<T> {
    const key = this.#options.ownerOf(item);
    const existing = this.#owners.get(key);
    if (existing) return existing;
    const weight = this.#options.weightOf(item);
    const owner = { queue: this.#options.createQueue(), weight, turns: weight };
    this.#owners.set(key, owner);
    return owner;
  }

  #endTurn(key: string | undefined): void {
    const owner = key === undefined ? undefined : this.#owners.get(key);
    if (key === undefined || !owner) return;
    owner.turns -= 1;
    if (owner.turns > 0) return;
    owner.turns = owner.weight;
    this.#owners.delete(key);
    this.#owners.set(key, owner);
  }
}
