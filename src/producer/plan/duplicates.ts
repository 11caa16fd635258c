import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { crc32 } from "node:zlib";

/*
 * The duplicates file next to the items file, so that they can be found without reading millions of lines.
 * Little-endian:
 *   0 magic (8)   8 items u32   12 duplicates u32   16 bytes of the items file f64
 *   24 check u32 (CRC-32 of everything from byte 32 on)   28 0
 *   32 two arrays of u32: the indices of the originals, ascending, and the index of the duplicate for each
 */
const DUPLICATES_FILE = "duplicates.bin";
/** The name in work folders of format 1; the content is the same. */
const FORMAT_1_DUPLICATES_FILE = "copies.bin";
const MAGIC = Buffer.from("SLUICECP", "latin1");
const HEADER_BYTES = 32;
const FIRST_CAPACITY = 256;

/** Identifies the items file that a duplicates file belongs to. */
export interface ItemsFileIdentity {
  readonly items: number;
  readonly itemsFileBytes: number;
}

/** The items of a plan that equal an earlier item; 8 bytes per duplicate, and one bit per item if there are any. */
export class Duplicates {
  static readonly none = new Duplicates(new Uint32Array(), new Uint32Array());
  readonly #originals: Uint32Array;
  readonly #duplicates: Uint32Array;
  readonly #isDuplicate: Uint8Array;

  /** The arrays are parallel: originals in ascending order, and a duplicate of each. */
  constructor(originals: Uint32Array, duplicates: Uint32Array) {
    this.#originals = originals;
    this.#duplicates = duplicates;
    const last = duplicates.reduce((max, index) => Math.max(max, index), -1);
    this.#isDuplicate = new Uint8Array((last >> 3) + 1);
    for (const index of duplicates)
      this.#isDuplicate[index >> 3] = (this.#isDuplicate[index >> 3] ?? 0) | (1 << (index & 7));
  }

  get count(): number {
    return this.#duplicates.length;
  }

  isDuplicate(index: number): boolean {
    return ((this.#isDuplicate[index >> 3] ?? 0) & (1 << (index & 7))) !== 0;
  }

  /** Returns the duplicates of an item, ascending; a view that must not be modified. */
  of(original: number): Uint32Array {
    const start = this.#firstAtOrAfter(original);
    let end = start;
    while (this.#originals[end] === original) end += 1;
    return this.#duplicates.subarray(start, end);
  }

  /** Yields every original once, with its duplicates. */
  *all(): Generator<{ readonly original: number; readonly duplicates: Uint32Array }> {
    for (let start = 0, end = 0; start < this.#originals.length; start = end) {
      const original = this.#originals[start] ?? 0;
      while (this.#originals[end] === original) end += 1;
      yield { original, duplicates: this.#duplicates.subarray(start, end) };
    }
  }

  encode({ items, itemsFileBytes }: ItemsFileIdentity): Buffer {
    const { byteLength } = this.#originals;
    const bytes = Buffer.alloc(HEADER_BYTES + byteLength * 2);
    bytes.set(new Uint8Array(this.#originals.buffer, this.#originals.byteOffset, byteLength), HEADER_BYTES);
    bytes.set(
      new Uint8Array(this.#duplicates.buffer, this.#duplicates.byteOffset, byteLength),
      HEADER_BYTES + byteLength,
    );
    MAGIC.copy(bytes);
    bytes.writeUInt32LE(items, 8);
    bytes.writeUInt32LE(this.count, 12);
    bytes.writeDoubleLE(itemsFileBytes, 16);
    bytes.writeUInt32LE(crc32(bytes.subarray(HEADER_BYTES)), 24);
    return bytes;
  }

  /** Returns undefined for a damaged or incomplete file, or one that belongs to another items file. */
  static decode(bytes: Buffer, { items, itemsFileBytes }: ItemsFileIdentity): Duplicates | undefined {
    if (bytes.length < HEADER_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
    const count = bytes.readUInt32LE(12);
    const body = bytes.subarray(HEADER_BYTES);
    if (bytes.readUInt32LE(8) !== items || bytes.readDoubleLE(16) !== itemsFileBytes) return undefined;
    if (body.length !== count * 8 || crc32(body) !== bytes.readUInt32LE(24)) return undefined;
    if (count === 0) return Duplicates.none;
    // Copied, because the bytes of a file may not be aligned to 32-bit words.
    const words = new Uint32Array(new Uint8Array(body).buffer);
    return new Duplicates(words.subarray(0, count), words.subarray(count));
  }

  #firstAtOrAfter(original: number): number {
    let [low, high] = [0, this.#originals.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#originals[middle] ?? 0) < original) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Collects duplicates in the order of the items. */
export class DuplicatesBuilder {
  /** The original in the upper 32 bits and the duplicate in the lower, so that sorting them sorts by original. */
  #pairs = new BigUint64Array(FIRST_CAPACITY);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(duplicate: number, original: number): void {
    if (this.#count === this.#pairs.length) {
      const grown = new BigUint64Array(this.#pairs.length * 2);
      grown.set(this.#pairs);
      this.#pairs = grown;
    }
    this.#pairs[this.#count] = (BigInt(original) << 32n) | BigInt(duplicate);
    this.#count += 1;
  }

  build(): Duplicates {
    if (this.#count === 0) return Duplicates.none;
    const words = new Uint32Array(this.#pairs.slice(0, this.#count).sort().buffer);
    const [originals, duplicates] = [new Uint32Array(this.#count), new Uint32Array(this.#count)];
    for (let i = 0; i < this.#count; i += 1) {
      originals[i] = words[i * 2 + 1] ?? 0;
      duplicates[i] = words[i * 2] ?? 0;
    }
    return new Duplicates(originals, duplicates);
  }
}

export function getDuplicatesPath(itemsFilePath: string): string {
  return join(dirname(itemsFilePath), DUPLICATES_FILE);
}

/** Reads the duplicates file next to an items file; undefined when there is none that belongs to it. */
export async function readDuplicatesFile(
  itemsFilePath: string,
  identity: ItemsFileIdentity,
): Promise<Duplicates | undefined> {
  const path = getDuplicatesPath(itemsFilePath);
  const bytes = await readFile(path)
    .catch(() => readFile(join(dirname(path), FORMAT_1_DUPLICATES_FILE)))
    .catch(() => undefined);
  return bytes && Duplicates.decode(bytes, identity);
}
