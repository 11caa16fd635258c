import type { Item } from "#src/core/item.ts";

/** Reads the items of one lane, in order and a block at a time; what belongs to others is passed over. */
export class FeedReader {
  /** Read and neither fed nor passed over. */
  readonly buffer: Item[] = [];
  readonly #readItems: (from: number) => AsyncIterable<readonly Item[]>;
  readonly #isInLane: (item: Item) => boolean;
  readonly #items: number;
  #blocks: AsyncIterator<readonly Item[]> | undefined;
  /** The first item that was not read. */
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

  /** Everything was read; the buffer may still hold some of it. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get isEmpty(): boolean {
    return this.#hasEnded && this.buffer.length === 0;
  }

  /** No item of the lane before it remains to be fed. */
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

  /** Puts items where they belong in the buffer. */
  insert(items: readonly Item[]): void {
    const isLate = (items[0]?.index ?? Number.POSITIVE_INFINITY) < (this.buffer.at(-1)?.index ?? 0);
    for (const item of items) this.buffer.push(item);
    // Jobs are ranges: what comes late goes before what is behind it.
    if (isLate) this.buffer.sort((a, b) => a.index - b.index);
  }

  /** Lets go of the spool. */
  async close(): Promise<void> {
    await this.#blocks?.return?.();
    this.#blocks = undefined;
  }
}
