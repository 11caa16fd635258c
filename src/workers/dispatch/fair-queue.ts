import type { TenantShare } from "#src/queues/payload.ts";
import { Fifo } from "./fifo.ts";
import { TurnQueue } from "./turn-queue.ts";

export interface Queueable {
  /** Inputs of one run keep their order; runs of one tenant take turns. */
  readonly runId: string;
  /** Tenants take turns, whatever the number of their runs and items. All inputs without one belong to the operator. */
  readonly tenant?: TenantShare | undefined;
  readonly isInteractive: boolean;
}

/**
 * A queue that serves interactive inputs first, then tenants in turn, and of each tenant its runs in turn (round robin). Each
 * `take` begins with the tenant and the run after those that the last `take` began with, so that a small run beside a large one
 * gets every other batch. A tenant with a larger weight gets several turns in a row. If the first run cannot fill a batch, the
 * next ones do.
 */
export class FairQueue<T extends Queueable> {
  readonly #interactive = createTenantQueue<T>();
  readonly #bulk = createTenantQueue<T>();

  get length(): number {
    return this.#interactive.length + this.#bulk.length;
  }

  push(...items: readonly T[]): void {
    for (const item of items) this.#queueOf(item).push(item);
  }

  /** Puts items back at the front of their runs, in the given order. */
  unshift(items: readonly T[]): void {
    this.#interactive.unshift(items.filter(({ isInteractive }) => isInteractive));
    this.#bulk.unshift(items.filter(({ isInteractive }) => !isInteractive));
  }

  /** Removes and returns the first `count` inputs, in the order of iteration. */
  take(count: number): T[] {
    const taken = this.#interactive.take(count);
    // Without a take there is no rotation: a steady trickle of interactive inputs would otherwise always skip the same run.
    return taken.length === count ? taken : [...taken, ...this.#bulk.take(count - taken.length)];
  }

  /** Removes and returns all matching items. */
  remove(matches: (item: T) => boolean): T[] {
    return [...this.#interactive.remove(matches), ...this.#bulk.remove(matches)];
  }

  *[Symbol.iterator](): Iterator<T> {
    yield* this.#interactive;
    yield* this.#bulk;
  }

  #queueOf({ isInteractive }: T): TurnQueue<T> {
    return isInteractive ? this.#interactive : this.#bulk;
  }
}

function createTenantQueue<T extends Queueable>(): TurnQueue<T> {
  return new TurnQueue<T>({
    ownerOf: ({ tenant }) => tenant?.id ?? "",
    weightOf: ({ tenant }) => tenant?.weight ?? 1,
    createQueue: () =>
      new TurnQueue<T>({ ownerOf: ({ runId }) => runId, weightOf: () => 1, createQueue: () => new Fifo<T>() }),
  });
}
