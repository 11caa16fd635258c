import { UNITS } from "./embed-text.ts";

const DECIMALS = 8;
/** "-0.", the decimals and a comma. */
const MAX_WIDTH = DECIMALS + 4;
const ZERO = 48;

/** A vector as a JSON array of decimals ("[0.01234567,-0.2...]"). Values are between -1 and 1. */
export function printVector(units: Int32Array): Buffer {
  const out = Buffer.allocUnsafe(units.length * MAX_WIDTH + 2);
  let position = 0;
  out[position++] = 0x5b;
  for (let index = 0; index < units.length; index++) {
    let value = units[index] as number;
    if (index > 0) out[position++] = 0x2c;
    if (value < 0) {
      out[position++] = 0x2d;
      value = -value;
    }
    out[position++] = value >= UNITS ? ZERO + 1 : ZERO;
    out[position++] = 0x2e;
    value %= UNITS;
    for (let digit = DECIMALS - 1; digit >= 0; digit--) {
      const rest = (value / 10) | 0;
      out[position + digit] = ZERO + (value - rest * 10);
      value = rest;
    }
    position += DECIMALS;
  }
  out[position++] = 0x5d;
  return out.subarray(0, position);
}
