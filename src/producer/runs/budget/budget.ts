import { computeCost, ESTIMATE_ERROR, type TokenCount, type TokenPrice } from "#src/core/money.ts";
import type { WireRecord } from "#src/state/records/record-codec.ts";
import { recordUsage } from "#src/state/records/record-usage.ts";

export interface BudgetOptions {
  /** The most this run may cost, in the price's currency. */
  readonly cap: number;
  readonly price: TokenPrice;
  /** What its records so far have cost. */
  readonly spent: number;
}

/** An item that may be sent: its estimated input, and the most its answer may have. */
export interface BudgetCandidate {
  readonly index: number;
  readonly tokens: TokenCount;
}

/** Fewer records than this say too little about how good the estimates are. */
const ENOUGH_RECORDS = 20;
/**
 * The part of the money left that may be on its way at once. Estimates are off by more than their usual error for
 * some kinds of text, so a sample goes first, and then never so much that twice its estimated cost could not be paid.
 */
const SAMPLE_SHARE = 0.1;
const SHARE = 0.5;
/** Added to what records have cost on average: the next ones may cost more. */
const MARGIN = 1.05;

/**
 * Keeps what a run costs at or below its cap: what is spent and what is on its way may not exceed it together. What
 * is on its way is known by estimates only, which are corrected by what records turn out to cost.
 */
export class Budget {
  readonly #cap: number;
  readonly #price: TokenPrice;
  #spent: number;
  /** Estimated cost of items on their way, by index. */
  readonly #open = new Map<number, number>();
  #openSum = 0;
  #records = 0;
  #actual = 0;
  #estimated = 0;

  constructor({ cap, price, spent }: BudgetOptions) {
    this.#cap = cap;
    this.#price = price;
    this.#spent = spent;
  }

  get spent(): number {
    return this.#spent;
  }

  get cap(): number {
    return this.#cap;
  }

  get currency(): string {
    return this.#price.currency;
  }

  /** How many of the items, from the first on, may be sent now. */
  countAffordable(candidates: Iterable<BudgetCandidate>): number {
    const correction = this.#correction();
    // The tolerance is for sums of many small floats, not for money.
    const left = this.#cap * (1 + 1e-9) - this.#spent;
    const share = this.#records < ENOUGH_RECORDS ? SAMPLE_SHARE : SHARE;
    let sum = this.#openSum;
    let count = 0;
    for (const { tokens } of candidates) {
      sum += this.#computeCost(tokens);
      // One item alone may take all that is left: else the last ones would never be sent.
      const isAlone = count === 0 && this.#open.size === 0;
      if (sum * correction > left * (isAlone ? 1 : share)) break;
      count += 1;
    }
    return count;
  }

  /** Notes items that are on their way; those that are already count once. */
  recordSent(candidates: Iterable<BudgetCandidate>): void {
    for (const { index, tokens } of candidates) {
      this.#close(index);
      const cost = this.#computeCost(tokens);
      this.#open.set(index, cost);
      this.#openSum += cost;
    }
  }

  /** Notes what came of items, each once. */
  recordResults(records: readonly WireRecord[]): void {
    for (const record of records) {
      const estimate = this.#close(record.index);
      const cost = this.#computeCost(recordUsage(record));
      this.#spent += cost;
      if (record.failure || estimate === undefined) continue;
      this.#records += 1;
      this.#actual += cost;
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

  #computeCost(tokens: TokenCount): number {
    return computeCost(this.#price, tokens) ?? 0;
  }

  /** What estimates are multiplied by. */
  #correction(): number {
    if (this.#records < ENOUGH_RECORDS || this.#estimated === 0) return 1 + ESTIMATE_ERROR;
    return (this.#actual / this.#estimated) * MARGIN;
  }
}
