/** A queue of inputs; `TurnQueue` composes several into one. */
export interface InputQueue<T> extends Iterable<T> {
  readonly length: number;
  push(item: T): void;
  /** Puts items back at the front, in the given order. */
  unshift(items: readonly T[]): void;
  /** Removes and returns the first `count` items, in the order of iteration. */
  take(count: number): T[];
  /** Removes and returns all matching items. */
  remove(matches: (item: T) => boolean): T[];
}

/** First in, first out. */
export class Fifo<T> implements InputQueue<T> {
  #items: T[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  unshift(items: readonly T[]): void {
    this.#items = [...items, ...this.#items.slice(this.#head)];
    this.#head = 0;
  }

  take(count: number): T[] {
    const taken = this.#items.slice(this.#head, this.#head + count);
    this.#head += taken.length;
    // Dropping the taken part at every take would cost linear time.
    if (this.#head > 1_024 && this.#head * 2 > this.#items.length) this.unshift([]);
    return taken;
  }

  remove(matches: (item: T) => boolean): T[] {
    const removed: T[] = [];
    const kept: T[] = [];
    for (const item of this) (matches(item) ? removed : kept).push(item);
    this.#items = kept;
    this.#head = 0;
    return removed;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let i = this.#head; i < this.#items.length; i++) yield this.#items[i] as T;
  }
}
