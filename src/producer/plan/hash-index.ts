const FIRST_CAPACITY = 1 << 12;
/** 18 to 36 bytes per id while growing, and short probe sequences. */
const MAX_LOAD = 2 / 3;

export interface IdHash {
  readonly high: number;
  readonly low: number;
}

/**
 * Maps the 64-bit hash of an id to the index of its item, in typed arrays, so that millions of ids fit in memory. Two
 * ids may have the same hash: `candidates` returns the items to compare with.
 */
export class HashIndex {
  /** Pass its result to `candidates` and `add` to compute it only once. */
  readonly hash = hashId;
  #capacity = FIRST_CAPACITY;
  #high = new Uint32Array(FIRST_CAPACITY);
  #low = new Uint32Array(FIRST_CAPACITY);
  /** Item number plus one; 0 is a free slot. */
  #items = new Uint32Array(FIRST_CAPACITY);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Returns the indices of the items whose id has the same hash; an empty list means that the id is new. */
  candidates(id: string, { high, low } = this.hash(id)): number[] {
    const found: number[] = [];
    for (let slot = this.#slotOf(low); this.#items[slot] !== 0; slot = (slot + 1) & (this.#capacity - 1)) {
      if (this.#high[slot] === high && this.#low[slot] === low) found.push((this.#items[slot] ?? 0) - 1);
    }
    return found;
  }

  add(id: string, item: number, { high, low } = this.hash(id)): void {
    if (this.#size + 1 > this.#capacity * MAX_LOAD) this.#grow();
    this.#insert(high, low, item + 1);
    this.#size += 1;
  }

  #slotOf(low: number): number {
    return low & (this.#capacity - 1);
  }

  #insert(high: number, low: number, item: number): void {
    let slot = this.#slotOf(low);
    while (this.#items[slot] !== 0) slot = (slot + 1) & (this.#capacity - 1);
    this.#high[slot] = high;
    this.#low[slot] = low;
    this.#items[slot] = item;
  }

  #grow(): void {
    const [highs, lows, items] = [this.#high, this.#low, this.#items];
    this.#capacity *= 2;
    this.#high = new Uint32Array(this.#capacity);
    this.#low = new Uint32Array(this.#capacity);
    this.#items = new Uint32Array(this.#capacity);
    for (const [slot, item] of items.entries()) {
      if (item !== 0) this.#insert(highs[slot] ?? 0, lows[slot] ?? 0, item);
    }
  }
}

/** Hashes the UTF-16 units into two independent 32-bit halves. Not a cryptographic hash. */
function hashId(text: string): IdHash {
  let high = 0x9e3779b9 ^ text.length;
  let low = 0x85ebca6b;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    high = Math.imul(high ^ unit, 0xcc9e2d51);
    high = (high << 15) | (high >>> 17);
    low = Math.imul(low ^ unit, 0x1b873593);
    low = (low << 13) | (low >>> 19);
  }
  return { high: mixBits(high ^ (low >>> 7)), low: mixBits(low ^ (high >>> 9)) };
}

function mixBits(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
