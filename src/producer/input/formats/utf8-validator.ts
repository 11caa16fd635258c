import { isUtf8 } from "node:buffer";

/**
 * Finds invalid UTF-8 in a stream of bytes, independent of chunk boundaries. Offsets are absolute, from 0, and include
 * every byte that does not belong to a character; of a character cut off at the end, only the first byte.
 */
export class Utf8Validator {
  #carry: Buffer = Buffer.alloc(0);
  #offset = 0;

  /** Returns the invalid offsets that are known with this chunk, ascending. */
  push(chunk: Buffer): number[] {
    const bytes = this.#carry.length === 0 ? chunk : Buffer.concat([this.#carry, chunk]);
    const whole = bytes.length - countIncompleteTail(bytes);
    const start = this.#offset;
    const invalidOffsets = findInvalidBytes(bytes.subarray(0, whole)).map((at) => start + at);
    this.#carry = Buffer.from(bytes.subarray(whole));
    this.#offset += whole;
    return invalidOffsets;
  }

  /** Returns the offset of a last character that was cut off, if there is one. */
  end(): number[] {
    return this.#carry.length === 0 ? [] : [this.#offset];
  }
}

/** Returns the offset of the first byte that is not UTF-8, or undefined. */
export function findInvalidUtf8(bytes: Buffer): number | undefined {
  const validator = new Utf8Validator();
  return [...validator.push(bytes), ...validator.end()][0];
}

/** Counts the bytes at the end that start a character which later bytes may complete. */
function countIncompleteTail(bytes: Uint8Array): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return getSequenceLength(byte) > back ? back : 0;
  }
  return 0;
}

function getSequenceLength(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return 2;
  if (lead >= 0xe0 && lead <= 0xef) return 3;
  if (lead >= 0xf0 && lead <= 0xf4) return 4;
  return 0;
}

function findInvalidBytes(bytes: Buffer): number[] {
  if (isUtf8(bytes)) return [];
  const invalidOffsets: number[] = [];
  let at = 0;
  while (at < bytes.length) {
    const length = getSequenceLength(bytes[at] ?? 0);
    if (length === 1) at += 1;
    else if (length > 0 && at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length))) at += length;
    else {
      invalidOffsets.push(at);
      at += 1;
    }
  }
  return invalidOffsets;
}
