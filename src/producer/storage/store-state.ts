import { type LayoutKind, type LedgerHeader, type LedgerSlot, SLOT_FAILED, SLOT_NONE, SLOT_OK } from "./ledger-file.ts";

export interface RecordCounts {
  readonly items: number;
  readonly ok: number;
  readonly failed: number;
  readonly missing: number;
  /** Sums over all records; `tokens` excludes reused results. */
  readonly tokens: number;
  readonly attempts: number;
  readonly reused: ReusedCounts;
}

/** Results without a call, which have no attempts. */
export interface ReusedCounts {
  /** Copied from an equal item of the same run. */
  readonly duplicates: number;
  /** Answered from the cache. */
  readonly cached: number;
  /** Tokens that their calls would have cost, including the tokens of answers. */
  readonly tokens: number;
  readonly outputTokens: number;
}

/** A range of items; `end` is exclusive. */
export interface ItemRange {
  readonly start: number;
  readonly end: number;
}

/** State of a run's records in memory: one byte per item, the only memory that grows with the run. */
export class StoreState {
  readonly items: number;
  /** Floats per vector; 0 while unknown. */
  dimensions: number;
  readonly layout: LayoutKind;
  /** Output tokens of reused results; set only by a store of answers. */
  reusedOutputTokens = 0;
  readonly #statuses: Uint8Array;
  #ok = 0;
  #failed = 0;
  #tokens = 0;
  #attempts = 0;
  #duplicates = 0;
  #cached = 0;
  #reusedTokens = 0;
  readonly #isDuplicate: (index: number) => boolean;

  /** `isDuplicate` returns whether an item gets the outcome of an equal one. */
  constructor({ items, dimensions, layout }: LedgerHeader, isDuplicate: (index: number) => boolean = () => false) {
    this.items = items;
    this.dimensions = dimensions;
    this.layout = layout;
    this.#isDuplicate = isDuplicate;
    this.#statuses = new Uint8Array(items);
  }

  has(index: number): boolean {
    return (this.#statuses[index] ?? SLOT_NONE) !== SLOT_NONE;
  }

  /** Returns true once per item: that caller writes the record, and later records of the item are discarded. */
  claim(index: number, status: number): boolean {
    if (this.has(index)) return false;
    this.#statuses[index] = status;
    return true;
  }

  /** Counts the record of a claimed item. */
  add(slot: LedgerSlot): void {
    this.#change(slot, 1);
  }

  /** Makes an item missing again. */
  remove(slot: LedgerSlot): void {
    this.#statuses[slot.index] = SLOT_NONE;
    this.#change(slot, -1);
  }

  counts(): RecordCounts {
    const { items } = this;
    const ok = this.#ok;
    const failed = this.#failed;
    return {
      items,
      ok,
      failed,
      missing: items - ok - failed,
      tokens: this.#tokens,
      attempts: this.#attempts,
      reused: {
        duplicates: this.#duplicates,
        cached: this.#cached,
        tokens: this.#reusedTokens,
        outputTokens: this.reusedOutputTokens,
      },
    };
  }

  *missing(): Generator<ItemRange> {
    let start = this.#statuses.indexOf(SLOT_NONE);
    while (start !== -1) {
      let end = start + 1;
      while (end < this.items && this.#statuses[end] === SLOT_NONE) end += 1;
      yield { start, end };
      start = this.#statuses.indexOf(SLOT_NONE, end);
    }
  }

  #change(slot: LedgerSlot, by: 1 | -1): void {
    if (slot.status === SLOT_OK) this.#ok += by;
    if (slot.status === SLOT_FAILED) this.#failed += by;
    this.#attempts += by * slot.attempts;
    if (!isReused(slot)) this.#tokens += by * slot.tokens;
    else {
      this.#reusedTokens += by * slot.tokens;
      if (this.#isDuplicate(slot.index)) this.#duplicates += by;
      else this.#cached += by;
    }
  }
}

/** Returns whether a result needed no call. */
export function isReused({ status, attempts }: LedgerSlot): boolean {
  return status === SLOT_OK && attempts === 0;
}
