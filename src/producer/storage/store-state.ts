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

/** Sums over records of one kind: with the same status, all reused or none, all duplicates or none. */
export interface RecordSums {
  readonly status: "ok" | "failed";
  readonly count: number;
  readonly attempts: number;
  readonly tokens: number;
  readonly outputTokens: number;
  readonly isDuplicate: boolean;
}

const MISSING = 0;
const CLAIMED = 1;
const DURABLE = 2;

/** Which items of a run have a record, and the sums: one byte per item, the only memory that grows with the run. */
export class StoreState {
  readonly items: number;
  readonly #states: Uint8Array;
  #durablePrefix = 0;
  #ok = 0;
  #failed = 0;
  #tokens = 0;
  #attempts = 0;
  #duplicates = 0;
  #cached = 0;
  #reusedTokens = 0;
  #reusedOutputTokens = 0;

  constructor(items: number) {
    this.items = items;
    this.#states = new Uint8Array(items);
  }

  has(index: number): boolean {
    return (this.#states[index] ?? MISSING) !== MISSING;
  }

  /** Returns true once per item: that caller writes the record, and later records of the item are discarded. */
  claim(index: number): boolean {
    if (this.has(index)) return false;
    this.#states[index] = CLAIMED;
    return true;
  }

  markDurable(index: number): void {
    this.#states[index] = DURABLE;
  }

  /** The number of items from the first one on that all have a durable record. */
  get durablePrefix(): number {
    while (this.#states[this.#durablePrefix] === DURABLE) this.#durablePrefix += 1;
    return this.#durablePrefix;
  }

  /** Counts records whose items have been claimed. */
  add({ status, count, attempts, tokens, outputTokens, isDuplicate }: RecordSums): void {
    if (status === "ok") this.#ok += count;
    else this.#failed += count;
    this.#attempts += attempts;
    if (status === "failed" || attempts > 0) {
      this.#tokens += tokens;
      return;
    }
    this.#reusedTokens += tokens;
    this.#reusedOutputTokens += outputTokens;
    if (isDuplicate) this.#duplicates += count;
    else this.#cached += count;
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
        outputTokens: this.#reusedOutputTokens,
      },
    };
  }

  *missing(): Generator<ItemRange> {
    let start = this.#states.indexOf(MISSING);
    while (start !== -1) {
      let end = start + 1;
      while (end < this.items && this.#states[end] === MISSING) end += 1;
      yield { start, end };
      start = this.#states.indexOf(MISSING, end);
    }
  }
}
