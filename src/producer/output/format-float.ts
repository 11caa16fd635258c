/**
 * Prints float32 values directly into bytes, as the shortest decimal that parses to the same float32.
 *
 * A float32 represents all real numbers that are closer to it than to its neighbours. This interval is scaled by a power
 * of ten so that it is 1.5 to 20 units wide and contains at least one integer; the shortest decimal is the multiple of
 * the largest power of ten inside it that is closest to the value. Double arithmetic finds that multiple exactly except
 * within `ROUNDING_MARGIN` units of the ends of the interval, where parsing the decimal decides. The lower half of the
 * interval of a power of two is narrower, so these values are always decided by parsing.
 */
const LARGEST_EXPONENT = 254;
/** Far above the error of two roundings at 3.4e8 units (1.1e-7), and small enough that parsing is rarely needed. */
const ROUNDING_MARGIN = 1e-6;
const FRACTION_BITS = 0x7f_ff_ff;

/** Bytes of the longest value: a sign and 21 digits. */
export const MAX_FLOAT_CHARS = 22;

/** By biased binary exponent e: one unit is 10 to the power of `-SCALES[e]`, and `FACTORS[e]` is 10 to `SCALES[e]`. */
const SCALES = new Int32Array(LARGEST_EXPONENT + 1);
const FACTORS = new Float64Array(LARGEST_EXPONENT + 1);
/** Half the width of the interval, in units. */
const HALVES = new Float64Array(LARGEST_EXPONENT + 1);
for (let exponent = 0; exponent <= LARGEST_EXPONENT; exponent += 1) {
  const spacing = 2 ** (Math.max(exponent, 1) - 150);
  const scale = Math.ceil(Math.log10(2 / spacing));
  SCALES[exponent] = scale;
  FACTORS[exponent] = Number(`1e${scale}`);
  HALVES[exponent] = (spacing * Number(`1e${scale}`)) / 2;
}

const POWERS = Int32Array.from({ length: 10 }, (_, i) => 10 ** i);
const FRACTIONS = Float64Array.from({ length: 10 }, (_, i) => 10 ** -i);
/** "00" to "99": tens in even places, ones in odd ones. */
const PAIRS = Uint8Array.from({ length: 200 }, (_, i) => 48 + (i % 2 === 0 ? Math.floor(i / 20) : (i >> 1) % 10));

const ZERO = 48;
const POINT = 46;
const MINUS = 45;
const COMMA = 44;

/**
 * Writes values `from` to `to` (exclusive), separated by commas, and returns the position after them. Throws a RangeError
 * for a value that is not finite and therefore cannot be JSON.
 */
export function writeFloats(out: Uint8Array, at: number, values: FloatView, from: number, to: number): number {
  let end = at;
  for (let i = from; i < to; i += 1) {
    end = writeFloat(out, end, values.floats[i] ?? 0, values.bits[i] ?? 0);
    out[end++] = COMMA;
  }
  return to > from ? end - 1 : end;
}

/** The same memory viewed as float32 values and as their bits. */
export interface FloatView {
  readonly floats: Float32Array;
  readonly bits: Uint32Array;
}

export function viewFloats(floats: Float32Array): FloatView {
  return { floats, bits: new Uint32Array(floats.buffer, floats.byteOffset, floats.length) };
}

function writeFloat(out: Uint8Array, at: number, value: number, bits: number): number {
  let end = at;
  if (bits >>> 31 === 1) out[end++] = MINUS;
  if (value === 0) {
    out[end++] = ZERO;
    return end;
  }
  const exponent = (bits >>> 23) & 0xff;
  if (exponent > LARGEST_EXPONENT) throw new RangeError(`${value} cannot be written as JSON`);
  const size = Math.abs(value);
  const scale = SCALES[exponent] ?? 0;
  const scaled = size * (FACTORS[exponent] ?? 0);
  return (bits & FRACTION_BITS) === 0
    ? writePowerOfTwo(out, end, { size, scaled, scale })
    : writeShortest(out, end, size, scaled, scale, HALVES[exponent] ?? 0);
}

/** Takes single parameters and writes its result, because an object per float would cost as much as the arithmetic. */
function writeShortest(out: Uint8Array, at: number, size: number, scaled: number, scale: number, half: number): number {
  // Below 2^31, so truncating to an integer rounds, and everything after it is integer arithmetic.
  let digits = (scaled + 0.5) | 0;
  let droppedZeros = 0;
  for (let zeros = 1; zeros < 10; zeros += 1) {
    const candidate = (scaled * (FRACTIONS[zeros] ?? 0) + 0.5) | 0;
    const distance = Math.abs(candidate * (POWERS[zeros] ?? 0) - scaled);
    if (distance > half + ROUNDING_MARGIN) break;
    if (distance > half - ROUNDING_MARGIN && !parsesTo(candidate, zeros - scale, size)) break;
    digits = candidate;
    droppedZeros = zeros;
  }
  return writeDecimal(out, at, digits | 0, droppedZeros - scale);
}

interface ScaledFloat {
  readonly size: number;
  readonly scaled: number;
  readonly scale: number;
}

function writePowerOfTwo(out: Uint8Array, at: number, { size, scaled, scale }: ScaledFloat): number {
  for (let zeros = 9; zeros >= 0; zeros -= 1) {
    const power = POWERS[zeros] ?? 1;
    const near = Math.round(scaled / power);
    const other = near * power < scaled ? near + 1 : near - 1;
    for (const candidate of [near, other]) {
      if (candidate > 0 && parsesTo(candidate, zeros - scale, size)) {
        return writeDecimal(out, at, candidate | 0, zeros - scale);
      }
    }
  }
  throw new RangeError(`no decimal found for ${size}`);
}

function parsesTo(digits: number, exponent: number, size: number): boolean {
  return Math.fround(Number(`${digits}e${exponent}`)) === size;
}

/** Writes `digits` times 10 to `exponent` as JavaScript prints numbers; `digits` has no trailing zeros. */
function writeDecimal(out: Uint8Array, at: number, digits: number, exponent: number): number {
  const count = countDigits(digits);
  const point = count + exponent;
  if (point > 21 || point < -5) return writeScientific(out, at, digits, count, point - 1);
  let end = at;
  if (point <= 0) {
    out[end++] = ZERO;
    out[end++] = POINT;
    for (let i = point; i < 0; i += 1) out[end++] = ZERO;
    return writeDigits(out, end, digits, count);
  }
  if (exponent < 0) {
    const unit = POWERS[-exponent] ?? 1;
    const whole = (digits / unit) | 0;
    end = writeDigits(out, end, whole, point);
    out[end++] = POINT;
    return writeDigits(out, end, digits - whole * unit, -exponent);
  }
  end = writeDigits(out, end, digits, count);
  for (let i = 0; i < exponent; i += 1) out[end++] = ZERO;
  return end;
}

function writeScientific(out: Uint8Array, at: number, digits: number, count: number, exponent: number): number {
  const unit = POWERS[count - 1] ?? 1;
  const whole = (digits / unit) | 0;
  let end = at;
  out[end++] = ZERO + whole;
  if (count > 1) {
    out[end++] = POINT;
    end = writeDigits(out, end, digits - whole * unit, count - 1);
  }
  for (const char of `e${exponent < 0 ? "" : "+"}${exponent}`) out[end++] = char.charCodeAt(0);
  return end;
}

/** Writes `value` with leading zeros up to `count` digits. */
function writeDigits(out: Uint8Array, at: number, value: number, count: number): number {
  // Converted to an integer, because the remainder of a double is several times slower.
  let rest = value | 0;
  let position = at + count;
  while (position - at >= 2) {
    const pair = (rest % 100) << 1;
    rest = (rest / 100) | 0;
    position -= 2;
    out[position] = PAIRS[pair] ?? 0;
    out[position + 1] = PAIRS[pair + 1] ?? 0;
  }
  if (position > at) out[at] = ZERO + rest;
  return at + count;
}

function countDigits(value: number): number {
  if (value >= 10_000_000) return value >= 1_000_000_000 ? 10 : value >= 100_000_000 ? 9 : 8;
  if (value >= 100_000) return value >= 1_000_000 ? 7 : 6;
  if (value >= 1_000) return value >= 10_000 ? 5 : 4;
  return value >= 100 ? 3 : value >= 10 ? 2 : 1;
}
