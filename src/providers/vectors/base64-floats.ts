import { endianness } from "node:os";

const PADDING = 61;
const IS_BIG_ENDIAN = endianness() === "BE";

/** The number of float32 values in base64; undefined when it is not a whole number. */
export function countBase64Floats(text: string): number | undefined {
  let digits = text.length;
  while (digits > 0 && text.charCodeAt(digits - 1) === PADDING) digits -= 1;
  const floats = Math.floor((digits * 3) / 4) / Float32Array.BYTES_PER_ELEMENT;
  return Number.isInteger(floats) ? floats : undefined;
}

/** Decodes little-endian float32 into the memory of `target`, which fits exactly. Returns false for invalid base64. */
export function writeBase64Floats(text: string, target: Float32Array): boolean {
  const memory = Buffer.from(target.buffer, target.byteOffset, target.byteLength);
  // The decoder skips characters outside the alphabet, so invalid text yields too few bytes.
  if (memory.write(text, "base64") !== memory.length) return false;
  if (IS_BIG_ENDIAN) memory.swap32();
  return true;
}
