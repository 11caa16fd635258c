import { computeCost, ESTIMATE_ERROR, type TokenCount, type TokenPrice } from "#src/core/money.ts";
import type { WireRecord } from "#src/state/record-format/record-codec.ts";
import { recordUsage } from "#src/state/record-format/record-usage.ts";

export interface BudgetOptions {
  /** The cost cap of the run, in the currency of the price. */
  readonly cap: number;
  readonly price: TokenPrice;
  /** Returns the cost of the run so far. */
  readonly readSpent: () => number;
  readonly now: () => number;
}

/** An item with its estimated input tokens and the maximum number of its output tokens. */
export interface BudgetCandidate {
  readonly index: number;
  readonly tokens: TokenCount;
}

/** With fewer records, the accuracy of the estimates is unknown. */
const ENOUGH_RECORDS = 20;
/**
 * Maximum share of the remaining budget that may be in flight. Estimates are less accurate for some kinds of text, so a
 * sample is sent first, and later items only as long as the budget would cover twice their estimated cost.
 */
const SAMPLE_SHARE = 0.1;
const SHARE = 0.5;
/** Safety factor, because the next records may cost more than the average so far. */
const MARGIN = 1.05;

/**
 * Keeps the cost of a run at or below its cap: spent and in-flight cost together must not exceed it. The cost in flight is
 * estimated, and the estimates are corrected by the actual cost of records.
 */
export class Budget {
  readonly #cap: number;
  readonly #price: TokenPrice;
  readonly #now: () => number;
  readonly #readSpent: () => number;
  /** Estimated cost of the items in flight, by index. */
  readonly #open = new Map<number, number>();
  #openSum = 0;
  #records = 0;
  #actual = 0;
  #estimated = 0;

  constructor({ cap, price, readSpent, now }: BudgetOptions) {
    this.#now = now;
    this.#cap = cap;
    this.#price = price;
    this.#readSpent = readSpent;
  }

  get spent(): number {
    return this.#readSpent();
  }

  get cap(): number {
    return this.#cap;
  }

  get currency(): string {
    return this.#price.currency;
  }

  /** How many of the items, counted from the first, may be sent now. */
  countAffordable(candidates: Iterable<BudgetCandidate>): number {
    const correction = this.#correction();
    // The tolerance is for rounding errors in sums of many small numbers.
    const left = this.#cap * (1 + 1e-9) - this.spent;
    const share = this.#records < ENOUGH_RECORDS ? SAMPLE_SHARE : SHARE;
    let sum = this.#openSum;
    let count = 0;
    for (const { tokens } of candidates) {
      sum += this.#computeCost(tokens);
      // A single item may use the whole rest, otherwise the last items would never be sent.
      const isAlone = count === 0 && this.#open.size === 0;
      if (sum * correction > left * (isAlone ? 1 : share)) break;
      count += 1;
    }
    return count;
  }

  /** Registers items as in flight; an item that is registered twice counts once. */
  recordSent(candidates: Iterable<BudgetCandidate>): void {
    for (const { index, tokens } of candidates) {
      this.#close(index);
      const cost = this.#computeCost(tokens);
      this.#open.set(index, cost);
      this.#openSum += cost;
    }
  }

  /** Registers the records of items, each once. */
  recordResults(records: readonly WireRecord[]): void {
    for (const record of records) {
      const estimate = this.#close(record.index);
      if (record.failure || estimate === undefined) continue;
      this.#records += 1;
      this.#actual += this.#computeCost(recordUsage(record), record.call?.startedAt);
      this.#estimated += estimate;
    }
  }

  #close(index: number): number | undefined {
    const cost = this.#open.get(index);
    if (cost === undefined) return undefined;
    this.#open.delete(index);
    this.#openSum = this.#open.size === 0 ? 0 : this.#openSum - cost;
    return cost;
  }

  #computeCost(tokens: TokenCount, at = this.#now()): number {
    return computeCost(this.#price, tokens, at) ?? 0;
  }

  /** The factor by which estimates are multiplied. */
  #correction(): number {
    if (this.#records < ENOUGH_RECORDS || this.#estimated === 0) return 1 + ESTIMATE_ERROR;
    return (this.#actual / this.#estimated) * MARGIN;
  }
}
