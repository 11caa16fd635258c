const FIRST_CAPACITY = 1 << 12;
/** 24 to 48 bytes per answer while growing. */
const MAX_LOAD = 2 / 3;

/** Location of an answer: a segment file and a byte offset in it. */
export interface AnswerLocation {
  readonly segment: number;
  readonly offset: number;
}

/**
 * Maps the first 64 bits of keys to the locations of answers, in typed arrays. Two keys may share these bits, and one key
 * may have several locations, so the caller must compare the key at each location.
 */
export class KeyIndex {
  #capacity = FIRST_CAPACITY;
  #high = new Uint32Array(FIRST_CAPACITY);
  #low = new Uint32Array(FIRST_CAPACITY);
  /** Segment number plus one; 0 is a free slot. */
  #segments = new Uint32Array(FIRST_CAPACITY);
  #offsets = new Uint32Array(FIRST_CAPACITY);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(key: Buffer, { segment, offset }: AnswerLocation): void {
    if (this.#size + 1 > this.#capacity * MAX_LOAD) this.#rebuild(this.#capacity * 2, () => true);
    this.#insert(key.readUInt32LE(0), key.readUInt32LE(4), segment + 1, offset);
  }

  /** Returns the possible locations of a key, the latest first. */
  find(key: Buffer): AnswerLocation[] {
    const [high, low] = [key.readUInt32LE(0), key.readUInt32LE(4)];
    const found: AnswerLocation[] = [];
    for (let slot = low & (this.#capacity - 1); this.#segments[slot] !== 0; slot = this.#next(slot)) {
      if (this.#high[slot] !== high || this.#low[slot] !== low) continue;
      found.unshift({ segment: (this.#segments[slot] ?? 0) - 1, offset: this.#offsets[slot] ?? 0 });
    }
    return found;
  }

  /** Removes the locations in segments that no longer exist. */
  retainSegments(isKept: (segment: number) => boolean): void {
    this.#rebuild(this.#capacity, isKept);
  }

  #next(slot: number): number {
    return (slot + 1) & (this.#capacity - 1);
  }

  #insert(high: number, low: number, segment: number, offset: number): void {
    let slot = low & (this.#capacity - 1);
    while (this.#segments[slot] !== 0) slot = this.#next(slot);
    this.#high[slot] = high;
    this.#low[slot] = low;
    this.#segments[slot] = segment;
    this.#offsets[slot] = offset;
    this.#size += 1;
  }

  #rebuild(capacity: number, isKept: (segment: number) => boolean): void {
    const [highs, lows, segments, offsets] = [this.#high, this.#low, this.#segments, this.#offsets];
    this.#capacity = capacity;
    this.#high = new Uint32Array(capacity);
    this.#low = new Uint32Array(capacity);
    this.#segments = new Uint32Array(capacity);
    this.#offsets = new Uint32Array(capacity);
    this.#size = 0;
    for (const [slot, segment] of segments.entries()) {
      if (segment === 0 || !isKept(segment - 1)) continue;
      this.#insert(highs[slot] ?? 0, lows[slot] ?? 0, segment, offsets[slot] ?? 0);
    }
  }
}
