import { RunError } from "#src/core/failures/errors.ts";
import type { Item } from "#src/core/item.ts";

/** Reads items in groups of any size from arrays of any size, and verifies their order. */
export class ItemReader {
  readonly #arrays: AsyncIterator<readonly Item[]>;
  #current: readonly Item[] = [];
  #used = 0;

  constructor(items: AsyncIterable<readonly Item[]>) {
    this.#arrays = items[Symbol.asyncIterator]();
  }

  async take(start: number, count: number): Promise<Item[]> {
    const taken: Item[] = [];
    while (taken.length < count) {
      if (this.#used === this.#current.length && !(await this.#advance())) {
        throw new RunError(
          `the items file ends after ${start + taken.length} items, but there are more records`,
          "The files of the work folder do not belong to one run; use another output folder.",
        );
      }
      const part = this.#current.slice(this.#used, this.#used + count - taken.length);
      this.#used += part.length;
      for (const item of part) {
        const expected = start + taken.length;
        if (item.index !== expected) {
          throw new RunError(`the items file has item ${item.index} instead of item ${expected}`);
        }
        taken.push(item);
      }
    }
    return taken;
  }

  async expectEnd(items: number): Promise<void> {
    if (this.#used < this.#current.length || (await this.#advance())) {
      throw new RunError(`the items file has more items than the ${items} records`);
    }
  }

  async close(): Promise<void> {
    await this.#arrays.return?.();
  }

  async #advance(): Promise<boolean> {
    do {
      const { done, value } = await this.#arrays.next();
      if (done === true) return false;
      this.#current = value;
      this.#used = 0;
    } while (this.#current.length === 0);
    return true;
  }
}
