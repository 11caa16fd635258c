import type { Item } from "#src/core/item.ts";

/** Reads the items of one lane, in order and block by block, and skips those of other lanes. */
export class FeedReader {
  /** Items that have been read and not yet fed. */
  readonly buffer: Item[] = [];
  readonly #readItems: (from: number) => AsyncIterable<readonly Item[]>;
  readonly #isInLane: (item: Item) => boolean;
  readonly #items: number;
  #blocks: AsyncIterator<readonly Item[]> | undefined;
  /** Index of the first item that has not been read. */
  #next: number;
  #hasEnded: boolean;

  constructor(
    readItems: (from: number) => AsyncIterable<readonly Item[]>,
    isInLane: (item: Item) => boolean,
    { from, items }: { readonly from: number; readonly items: number },
  ) {
    this.#readItems = readItems;
    this.#isInLane = isInLane;
    this.#items = items;
    this.#next = from;
    this.#hasEnded = from >= items;
  }

  /** Whether all items have been read; the buffer may still contain some. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get isEmpty(): boolean {
    return this.#hasEnded && this.buffer.length === 0;
  }

  /** All items of the lane before this index have been fed. */
  get cursor(): number {
    return this.buffer[0]?.index ?? (this.#hasEnded ? this.#items : this.#next);
  }

  /** The lane's items of the next block; undefined at the end. */
  async read(): Promise<readonly Item[] | undefined> {
    if (this.#hasEnded) return undefined;
    this.#blocks ??= this.#readItems(this.#next)[Symbol.asyncIterator]();
    const { done, value } = await this.#blocks.next();
    if (done) {
      this.#hasEnded = true;
      return undefined;
    }
    this.#next = (value.at(-1)?.index ?? this.#next) + 1;
    return value.filter(this.#isInLane);
  }

  /** Inserts items into the buffer in order of their indices. */
  insert(items: readonly Item[]): void {
    const isLate = (items[0]?.index ?? Number.POSITIVE_INFINITY) < (this.buffer.at(-1)?.index ?? 0);
    for (const item of items) this.buffer.push(item);
    // Jobs are ranges of indices, so late items must go before later ones.
    if (isLate) this.buffer.sort((a, b) => a.index - b.index);
  }

  /** Closes the items file. */
  async close(): Promise<void> {
    await this.#blocks?.return?.();
    this.#blocks = undefined;
  }
}
