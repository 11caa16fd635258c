import { crc32 } from "node:zlib";

const FIRST_CAPACITY = 1 << 12;
/** Full to two thirds at most: 18 to 36 bytes an id while growing, and short searches. */
const MAX_LOAD = 2 / 3;

export interface IdHash {
  readonly high: number;
  readonly low: number;
}

/**
 * Remembers ids by a 64-bit hash and the number of the item that has them, in typed arrays: millions of ids fit in
 * memory. Two different ids may share a hash, so `candidates` says where to look, not that the id is there.
 * Whole texts are remembered the same way, with `hashText`.
 */
export class HashIndex {
  /** To be asked for once where an id is both looked up and added. */
  readonly hash: (id: string) => IdHash;
  #capacity = FIRST_CAPACITY;
  #high = new Uint32Array(FIRST_CAPACITY);
  #low = new Uint32Array(FIRST_CAPACITY);
  /** Item number plus one; 0 is a free slot. */
  #items = new Uint32Array(FIRST_CAPACITY);
  #size = 0;

  constructor(hash: (id: string) => IdHash = hashId) {
    this.hash = hash;
  }

  get size(): number {
    return this.#size;
  }

  /** Numbers of the items whose id has the same hash; empty means that the id is new. */
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

/** Two differently mixed 32-bit halves over the UTF-16 units; not for secrets, only for spreading ids. */
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

const SAMPLED_UNITS = 32;

/**
 * A hash for long texts: a CRC over all of it, which the machine does ten times as fast as a loop here could, and a
 * mix of the length and some of the units, for the bits that 32 leave open among millions of texts.
 */
export function hashText(text: string): IdHash {
  let high = Math.imul(0x9e3779b9 ^ text.length, 0x85ebca6b);
  const step = Math.max(1, Math.floor(text.length / SAMPLED_UNITS));
  for (let at = 0; at < text.length; at += step) {
    high = Math.imul(high ^ text.charCodeAt(at), 0xcc9e2d51);
    high = (high << 15) | (high >>> 17);
  }
  return { high: mixBits(high), low: mixBits(crc32(text)) };
}

function mixBits(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
