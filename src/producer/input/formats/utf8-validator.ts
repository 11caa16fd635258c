import { isUtf8 } from "node:buffer";

/**
 * Finds what is not UTF-8 in a stream of bytes, however the bytes are cut. Offsets are absolute, from 0, and name
 * every byte that belongs to no character; of a character cut off at the very end, the first byte.
 */
export class Utf8Validator {
  #carry: Buffer = Buffer.alloc(0);
  #offset = 0;

  /** Offsets of the faults that became certain with this chunk, ascending. */
  push(chunk: Buffer): number[] {
    const bytes = this.#carry.length === 0 ? chunk : Buffer.concat([this.#carry, chunk]);
    const whole = bytes.length - incompleteTail(bytes);
    const start = this.#offset;
    const invalidOffsets = findInvalidBytes(bytes.subarray(0, whole)).map((at) => start + at);
    this.#carry = Buffer.from(bytes.subarray(whole));
    this.#offset += whole;
    return invalidOffsets;
  }

  /** The fault of a last character that was cut off, if there is one. */
  end(): number[] {
    return this.#carry.length === 0 ? [] : [this.#offset];
  }
}

/** Offset of the first byte that is not UTF-8, or undefined. */
export function findInvalidUtf8(bytes: Buffer): number | undefined {
  const scan = new Utf8Validator();
  return [...scan.push(bytes), ...scan.end()][0];
}

/** How many bytes at the end begin a character whose rest may still come. */
function incompleteTail(bytes: Uint8Array): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return sequenceLength(byte) > back ? back : 0;
  }
  return 0;
}

function sequenceLength(lead: number): number {
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
    const length = sequenceLength(bytes[at] ?? 0);
    if (length === 1) at += 1;
    else if (length > 0 && at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length))) at += length;
    else {
      invalidOffsets.push(at);
      at += 1;
    }
  }
  return invalidOffsets;
}
