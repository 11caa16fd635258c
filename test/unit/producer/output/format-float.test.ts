import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_FLOAT_CHARS, viewFloats, writeFloats } from "#src/producer/output/format-float.ts";

function print(values: Float32Array): string {
  const out = Buffer.alloc(values.length * (MAX_FLOAT_CHARS + 1));
  return out.toString("latin1", 0, writeFloats(out, 0, viewFloats(values), 0, values.length));
}

/** The fewest significant digits that read back as the value, by trying. */
function fewestDigits(value: number): number {
  for (let digits = 1; digits < 9; digits += 1) {
    if (Math.fround(Number(value.toPrecision(digits))) === value) return digits;
  }
  return 9;
}

const significant = (text: string) =>
  text.replace(/^-/, "").replace(/e.*$/, "").replace(".", "").replace(/^0+/, "").replace(/0+$/, "").length;

const fromBits = (bits: number) => new Float32Array(Uint32Array.of(bits).buffer);

function expectShortest(floats: Float32Array): void {
  const texts = print(floats).split(",");
  for (const [i, value] of floats.entries()) {
    const text = texts[i] ?? "";
    if (!Object.is(Math.fround(Number(text)), value)) throw new Error(`${value} was printed as ${text}`);
    if (text !== String(Number(text)) && value !== 0) throw new Error(`${text} is not how JavaScript prints it`);
    if (value !== 0 && significant(text) > fewestDigits(value)) throw new Error(`${text} is too long`);
  }
}

describe("printing float32", () => {
  test("prints well-known values as people write them", () => {
    const values = [0, -0, 1, -1, 0.1, 0.5, 1 / 3, 100, 16777216, 3.4028235e38, 1e21, 1e20, 1e-6, 1e-7, 123456.79];
    expect(print(Float32Array.from(values))).toBe(
      "0,-0,1,-1,0.1,0.5,0.33333334,100,16777216,3.4028235e+38,1e+21,100000000000000000000,0.000001,1e-7,123456.79",
    );
  });

  test("prints the smallest subnormals", () => {
    expect(print(Float32Array.of(2 ** -149, 2 ** -148, 3 * 2 ** -149, -(2 ** -126)))).toBe(
      "1e-45,3e-45,4e-45,-1.1754944e-38",
    );
  });

  test("reads back exactly and is never longer than needed, for any bits", () => {
    const finite = fc.nat(0xffff_ffff).filter((bits) => ((bits >>> 23) & 0xff) !== 0xff);
    fc.assert(
      fc.property(finite, (bits) => expectShortest(fromBits(bits))),
      { numRuns: 20_000 },
    );
  });

  test("reads back exactly around every power of two and of ten, and for every small subnormal", () => {
    const bits: number[] = [];
    for (let exponent = 0; exponent < 255; exponent += 1) {
      for (let step = -3; step <= 3; step += 1) bits.push(Math.max(0, (exponent << 23) + step));
    }
    const words = new Uint32Array(new Float32Array(1).buffer);
    const float = new Float32Array(words.buffer);
    for (let power = -44; power <= 38; power += 1) {
      for (const factor of [1, 2, 5, 9.999999]) {
        float[0] = factor * 10 ** power;
        const near = words[0] ?? 0;
        for (let step = -2; step <= 2; step += 1) bits.push(Math.max(0, near + step));
      }
    }
    for (let small = 1; small < 3_000; small += 1) bits.push(small);
    const finite = bits.filter((word) => ((word >>> 23) & 0xff) !== 0xff);
    expectShortest(new Float32Array(Uint32Array.from(finite).buffer));
  });

  test("refuses what JSON cannot hold", () => {
    expect(() => print(Float32Array.of(1, Number.NaN))).toThrow("NaN cannot be written as JSON");
    expect(() => print(Float32Array.of(Number.NEGATIVE_INFINITY))).toThrow("cannot be written as JSON");
  });
});
