/**
 * Decodes JSON float arrays directly from response bytes into a Float32Array, without a string or number object per
 * float. Every value equals `Math.fround(JSON.parse(text))` bit for bit; text that JSON.parse rejects is rejected.
 */

/** The bytes are not the expected JSON. The message contains the offset and never quotes the bytes. */
export class FloatSyntaxError extends Error {
  override readonly name = "FloatSyntaxError";
  readonly offset: number;

  constructor(expected: string, offset: number) {
    super(`byte ${offset}: expected ${expected}`);
    this.offset = offset;
  }
}

export interface FloatMatrix {
  /** Row after row: `rows * columns` values. */
  readonly values: Float32Array;
  readonly rows: number;
  /** 0 when there is no row. */
  readonly columns: number;
}

const TAB = 9;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const SPACE = 32;
const PLUS = 43;
const COMMA = 44;
const MINUS = 45;
const POINT = 46;
const ZERO = 48;
const NINE = 57;
const OPEN = 91;
const CLOSE = 93;
const CLOSE_BRACE = 125;
const LOWER_E = 101;
const TO_LOWER = 0x20;

/** Powers of ten up to 1e22 are exact as doubles. */
const POWERS = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));
/** Integers of up to 15 digits are exact doubles; dividing one exact double by another rounds once, as JSON.parse does. */
const EXACT_DIGITS = 15;
const MAX_DIGITS = 19;
/** Relative error margin: up to 19 digits accumulate fewer than 8 rounding errors of 2^-53 each. */
const BELOW = 1 - 2 ** -49;
const ABOVE = 1 + 2 ** -49;

/**
 * Decodes the array at `start`, which must contain number arrays of equal length; returns it with the offset after it.
 * `sizeHint` is the expected number of floats. Throws FloatSyntaxError for anything else.
 */
export function decodeFloatMatrix(
  bytes: Uint8Array,
  start: number,
  sizeHint: number,
): { matrix: FloatMatrix; end: number } {
  const last = bytes[bytes.length - 1];
  if (last !== CLOSE && last !== CLOSE_BRACE) throw new FloatSyntaxError("a closing bracket", bytes.length);
  const sink: FloatSink = { values: new Float32Array(Math.max(sizeHint, 16)), length: 0 };
  let position = expectByte(bytes, start, OPEN, "[");
  let rows = 0;
  let columns = 0;
  let next = position;
  if (bytes[skipSpace(bytes, position)] !== CLOSE) {
    do {
      const before = sink.length;
      const rowStart = position;
      position = decodeFloatRow(bytes, position, sink);
      const width = sink.length - before;
      if (rows === 0) columns = width;
      if (width !== columns)
        throw new FloatSyntaxError(`${columns} numbers in row ${rows}, as in row 0, not ${width}`, rowStart);
      rows += 1;
      next = skipSpace(bytes, position);
      position = next + 1;
    } while (bytes[next] === COMMA);
  }
  const end = expectByte(bytes, next, CLOSE, ", or ]");
  const { values, length } = sink;
  return {
    matrix: { values: values.length === length ? values : values.slice(0, length), rows, columns },
    end,
  };
}

/** The offset of the first byte at or after `start` that is not JSON white space. */
export function skipSpace(bytes: Uint8Array, start: number): number {
  let position = start;
  for (;;) {
    const byte = bytes[position];
    if (byte !== SPACE && byte !== LINE_FEED && byte !== CARRIAGE_RETURN && byte !== TAB) return position;
    position += 1;
  }
}

/** The offset after the `expected` byte, which may follow white space; throws when another byte comes first. */
export function expectByte(bytes: Uint8Array, start: number, expected: number, name: string): number {
  const position = skipSpace(bytes, start);
  if (bytes[position] !== expected) throw new FloatSyntaxError(name, position);
  return position + 1;
}

/** Floats decoded so far; a full `values` is replaced by a longer array. */
export interface FloatSink {
  values: Float32Array;
  length: number;
}

/** Appends the array at `start` to the sink; returns the offset after it. */
export function decodeFloatRow(bytes: Uint8Array, start: number, sink: FloatSink): number {
  const position = expectByte(bytes, start, OPEN, "[");
  const next = skipSpace(bytes, position);
  if (bytes[next] === CLOSE) return next + 1;
  return decodeNumbers(bytes, position, sink);
}

/**
 * The hot loop. It is one function on purpose: each call or field access per number costs a tenth of the total time. It
 * reads one byte ahead without bounds checks, because the last byte of the body is a bracket (checked by the caller),
 * which ends any run of digits.
 *
 * Digits are accumulated in one integer, four at a time within a fraction, and divided by a power of ten once. The result
 * is inexact for 16 to 19 digits; it is used only when all values within the error margin round to the same float32. All
 * other numbers (longer ones, and those with an exponent) are parsed by the engine.
 */
function decodeNumbers(bytes: Uint8Array, start: number, sink: FloatSink): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const quadEnd = bytes.length - 3;
  let { values, length } = sink;
  let position = start;
  let byte: number;
  do {
    if (length === values.length) values = grow(values);
    byte = bytes[position] as number;
    if (byte <= SPACE) {
      position = skipSpace(bytes, position);
      byte = bytes[position] as number;
    }
    const numberStart = position;
    if (byte === MINUS) byte = bytes[++position] as number;
    const wholeStart = position;
    let mantissa = byte - ZERO;
    if (!(mantissa >= 0 && mantissa <= 9)) throw new FloatSyntaxError("a number", position);
    byte = bytes[++position] as number;
    let digits = 0;
    if (mantissa !== 0) {
      for (let digit = byte - ZERO; digit >= 0 && digit <= 9; digit = byte - ZERO) {
        mantissa = mantissa * 10 + digit;
        byte = bytes[++position] as number;
      }
      digits = position - wholeStart;
    }
    let scale = 0;
    if (byte === POINT) {
      const fractionStart = ++position;
      digits -= position;
      while (position < quadEnd) {
        const quad = (view.getUint32(position, true) - 0x30303030) | 0;
        // Sets the high bit of every byte that is not a digit.
        if (((quad + 0x76767676) | quad) & 0x80808080) break;
        const pairs = Math.imul(quad, 10) + (quad >>> 8);
        mantissa = mantissa * 10_000 + ((pairs & 0xff) * 100 + ((pairs >>> 16) & 0xff));
        position += 4;
        // Leading zeros are not digits of the mantissa. Up to three may be counted as such, which costs no precision.
        if (mantissa === 0) digits -= 4;
      }
      byte = bytes[position] as number;
      for (let digit = byte - ZERO; digit >= 0 && digit <= 9; digit = byte - ZERO) {
        mantissa = mantissa * 10 + digit;
        byte = bytes[++position] as number;
      }
      digits += position;
      scale = position - fractionStart;
      if (scale === 0) throw new FloatSyntaxError("a digit", position);
    }
    let value = mantissa / (POWERS[scale < POWERS.length ? scale : 0] as number);
    if (isExact(value, digits, scale) && (byte | TO_LOWER) !== LOWER_E) {
      if (bytes[numberStart] === MINUS) value = -value;
    } else {
      position = skipExponent(bytes, position);
      value = parseText(bytes, numberStart, position);
      byte = bytes[position] as number;
    }
    values[length++] = value;
    if (byte <= SPACE) {
      position = skipSpace(bytes, position);
      byte = bytes[position] as number;
    }
    position += 1;
  } while (byte === COMMA);
  if (byte !== CLOSE) throw new FloatSyntaxError(", or ]", position - 1);
  sink.values = values;
  sink.length = length;
  return position;
}

/** Whether `value` is exact, or every value within its error margin rounds to the same float32. */
function isExact(value: number, digits: number, scale: number): boolean {
  if (scale >= POWERS.length || digits > MAX_DIGITS) return false;
  return digits <= EXACT_DIGITS || Math.fround(value * BELOW) === Math.fround(value * ABOVE);
}

/** The offset after the exponent at `position`, or `position` when there is none. */
function skipExponent(bytes: Uint8Array, position: number): number {
  if (((bytes[position] as number) | TO_LOWER) !== LOWER_E) return position;
  let end = position + 1;
  if (bytes[end] === PLUS || bytes[end] === MINUS) end += 1;
  const digitsStart = end;
  for (let byte = bytes[end]; byte !== undefined && byte >= ZERO && byte <= NINE; byte = bytes[end]) end += 1;
  if (end === digitsStart) throw new FloatSyntaxError("a digit", end);
  return end;
}

function parseText(bytes: Uint8Array, start: number, end: number): number {
  const value = Number(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1"));
  if (!Number.isFinite(Math.fround(value))) throw new FloatSyntaxError("a number that float32 can hold", start);
  return value;
}

function grow(values: Float32Array): Float32Array<ArrayBuffer> {
  const longer = new Float32Array(values.length * 2);
  longer.set(values);
  return longer;
}
