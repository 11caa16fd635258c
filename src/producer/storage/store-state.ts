import { type LayoutKind, type LedgerHeader, type LedgerSlot, SLOT_FAILED, SLOT_NONE, SLOT_OK } from "./ledger.ts";

export interface RecordCounts {
  readonly items: number;
  readonly ok: number;
  readonly failed: number;
  readonly missing: number;
  /** Tokens that were asked for, and attempts, of all records together. */
  readonly tokens: number;
  readonly attempts: number;
  readonly reused: ReusedCounts;
}

/** Results that no call was made for: those without an attempt. */
export interface ReusedCounts {
  /** Delivered from an equal item of the same run. */
  readonly duplicates: number;
  /** Answered from the cache. */
  readonly cached: number;
  /** What their calls would have been charged; tokens of answers are among them. */
  readonly tokens: number;
  readonly outputTokens: number;
}

/** A range of items; `end` is exclusive. */
export interface ItemRange {
  readonly start: number;
  readonly end: number;
}

/** What is known of a run's records; one byte per item is the only memory that grows with the run. */
export class StoreState {
  readonly items: number;
  /** Floats per vector; 0 while nothing told. */
  dimensions: number;
  readonly layout: LayoutKind;
  /** Of reused results; only a store of answers knows. */
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

  /** `isCopy` tells items that get the outcome of an equal one. */
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

  /** True once per item: whoever gets it writes the item's record, everybody else holds a duplicate. */
  claim(index: number, status: number): boolean {
    if (this.has(index)) return false;
    this.#statuses[index] = status;
    return true;
  }

  /** Counts a claimed item's record. */
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

/** A result that was there without a call. */
export function isReused({ status, attempts }: LedgerSlot): boolean {
  return status === SLOT_OK && attempts === 0;
}
