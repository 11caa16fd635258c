import { hash } from "node:crypto";

const FIRST_CAPACITY = 1 << 12;
/** 30 to 60 bytes per text while growing, and short probe sequences. */
const MAX_LOAD = 2 / 3;
const DIGEST_WORDS = 4;

/**
 * Finds the first item with a text, without keeping texts: by 128 bits of their SHA-256, so that equal digests mean
 * equal texts. Comparing with an earlier text itself would read it back from the disk for every duplicate.
 */
export class TextIndex {
  #capacity = FIRST_CAPACITY;
  #digests = new Uint32Array(FIRST_CAPACITY * DIGEST_WORDS);
  /** Item number plus one; 0 is a free slot. */
  #items = new Uint32Array(FIRST_CAPACITY);
  #size = 0;

  /** Returns the item that has been added with this text, or adds `item` and returns undefined. */
  findOrAdd(text: string, item: number): number | undefined {
    if (this.#size + 1 > this.#capacity * MAX_LOAD) this.#grow();
    const bytes = hash("sha256", text, "buffer");
    const digest = Uint32Array.from({ length: DIGEST_WORDS }, (_, at) => bytes.readUInt32LE(at * 4));
    const slot = this.#findSlot(digest);
    const found = this.#items[slot] ?? 0;
    if (found !== 0) return found - 1;
    this.#digests.set(digest, slot * DIGEST_WORDS);
    this.#items[slot] = item + 1;
    this.#size += 1;
    return undefined;
  }

  /** Returns the slot that has the digest, or the free one for it. */
  #findSlot(digest: Uint32Array): number {
    const mask = this.#capacity - 1;
    for (let slot = (digest[0] ?? 0) & mask; ; slot = (slot + 1) & mask) {
      if (this.#items[slot] === 0 || this.#hasDigest(slot * DIGEST_WORDS, digest)) return slot;
    }
  }

  #hasDigest(start: number, digest: Uint32Array): boolean {
    for (let word = 0; word < DIGEST_WORDS; word += 1) {
      if (this.#digests[start + word] !== digest[word]) return false;
    }
    return true;
  }

  #grow(): void {
    const [digests, items] = [this.#digests, this.#items];
    this.#capacity *= 2;
    this.#digests = new Uint32Array(this.#capacity * DIGEST_WORDS);
    this.#items = new Uint32Array(this.#capacity);
    for (const [slot, item] of items.entries()) {
      if (item === 0) continue;
      const digest = digests.subarray(slot * DIGEST_WORDS, (slot + 1) * DIGEST_WORDS);
      const free = this.#findSlot(digest);
      this.#digests.set(digest, free * DIGEST_WORDS);
      this.#items[free] = item;
    }
  }
}
