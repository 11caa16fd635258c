import { RunError } from "#src/core/errors.ts";
import type { Item } from "#src/core/item.ts";

/** Takes items in counts of its user's choice from arrays of any size, and insists on their order. */
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
          `the run's list of items ends after ${start + taken.length} items, records go on`,
          "The work folder does not belong together; use another output folder.",
        );
      }
      const part = this.#current.slice(this.#used, this.#used + count - taken.length);
      this.#used += part.length;
      for (const item of part) {
        const expected = start + taken.length;
        if (item.index !== expected) {
          throw new RunError(`the run's list of items has item ${item.index} where ${expected} belongs`);
        }
        taken.push(item);
      }
    }
    return taken;
  }

  async expectEnd(items: number): Promise<void> {
    if (this.#used < this.#current.length || (await this.#advance())) {
      throw new RunError(`the run's list of items goes on after its ${items} records`);
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
