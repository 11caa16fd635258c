import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeFloatMatrix, FloatSyntaxError } from "#src/providers/vectors/decode-floats.ts";

function decode(text: string, sizeHint = 0) {
  return decodeFloatMatrix(Buffer.from(text), 0, sizeHint);
}

function bits(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}

function expectSameAsJsonParse(text: string): void {
  const rows = JSON.parse(text) as number[][];
  const { matrix, end } = decode(text);
  expect(bits(matrix.values), text).toEqual(bits(Float32Array.from(rows.flat())));
  expect(matrix.rows).toBe(rows.length);
  expect(matrix.columns).toBe(rows[0]?.length ?? 0);
  expect(end).toBe(text.length);
}

const digit = fc.constantFrom(..."0123456789");
const digits = (min: number, max: number) => fc.string({ unit: digit, minLength: min, maxLength: max });
const whole = fc.oneof(
  fc.constant("0"),
  fc.tuple(fc.constantFrom(..."123456789"), digits(0, 24)).map((parts) => parts.join("")),
);
const fraction = fc.option(
  fc.tuple(fc.nat({ max: 40 }), digits(1, 30)).map(([zeros, rest]) => `.${"0".repeat(zeros)}${rest}`),
  { nil: "" },
);
const exponent = fc.option(
  fc
    .tuple(fc.constantFrom("e", "E"), fc.constantFrom("", "+", "-"), fc.nat({ max: 400 }))
    .map((parts) => parts.join("")),
  { nil: "", freq: 3 },
);
/** Any number that the JSON grammar allows, including forms that printing a number never produces. */
const jsonNumber = fc.tuple(fc.constantFrom("", "-"), whole, fraction, exponent).map((parts) => parts.join(""));
const float32Number = jsonNumber.filter((text) => Number.isFinite(Math.fround(Number(text))));
const space = fc.string({ unit: fc.constantFrom(" ", "\n", "\r", "\t"), maxLength: 3 });

describe("decodeFloatMatrix", () => {
  it("equals JSON.parse for every number that the grammar allows", () => {
    fc.assert(
      fc.property(fc.array(float32Number, { minLength: 1, maxLength: 8 }), (numbers) =>
        expectSameAsJsonParse(`[[${numbers.join(",")}]]`),
      ),
      { numRuns: 4000 },
    );
  });

  it("equals JSON.parse for printed doubles, floats and short decimals", () => {
    const value = fc.oneof(
      fc.double({ noNaN: true, min: -3e38, max: 3e38 }),
      fc.float({ noNaN: true, noDefaultInfinity: true }),
      fc.integer({ min: -1e8, max: 1e8 }).map((units) => units / 1e8),
      fc.double({ noNaN: true, min: -1, max: 1 }),
    );
    fc.assert(
      fc.property(fc.array(value, { maxLength: 20 }), (values) => expectSameAsJsonParse(`[${JSON.stringify(values)}]`)),
      { numRuns: 3000 },
    );
  });

  it("rounds decimals near the midpoint between two floats as JSON.parse does", () => {
    const bitsOf = new Uint32Array(1);
    const float = new Float32Array(bitsOf.buffer);
    const nearMiddle = fc
      .tuple(fc.integer({ min: 0, max: 0x7f7ffffe }), fc.integer({ min: -3, max: 3 }), fc.integer({ min: 15, max: 21 }))
      .map(([pattern, nudge, precision]) => {
        bitsOf[0] = pattern;
        const low = float[0] as number;
        bitsOf[0] = pattern + 1;
        const middle = (low + (float[0] as number)) / 2;
        return (middle * (1 + nudge * Number.EPSILON)).toPrecision(precision);
      })
      .filter((text) => Number.isFinite(Math.fround(Number(text))));
    fc.assert(
      fc.property(nearMiddle, (text) => expectSameAsJsonParse(`[[${text},-${text}]]`)),
      { numRuns: 5000 },
    );
  });

  it("accepts white space between any tokens", () => {
    const rows = fc.integer({ min: 0, max: 4 }).chain((columns) =>
      fc.array(
        fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), {
          minLength: columns,
          maxLength: columns,
        }),
      ),
    );
    fc.assert(
      fc.property(rows, fc.infiniteStream(space), (matrix, spaces) => {
        const text = JSON.stringify(matrix).replace(/[[\],]/g, (token) => {
          return `${spaces.next().value}${token}${spaces.next().value}`;
        });
        const { matrix: decoded } = decode(text.trim());
        expect(bits(decoded.values)).toEqual(bits(Float32Array.from((JSON.parse(text) as number[][]).flat())));
      }),
    );
  });

  it.each([
    ["negative zero", "[[-0,-0.0,-0e5,0]]"],
    ["the smallest subnormal float and half of it", "[[1.401298464324817e-45,7e-46,7.1e-46]]"],
    ["subnormal doubles", "[[4.9e-324,-4.9e-324]]"],
    ["fractions of more than 22 places", "[[0.00000000000000000000000000000000000123,0.0000000000000000000000000]]"],
    ["the greatest float", "[[340282346638528859811704183484516925440,3.4028234663852886e38]]"],
    ["numbers that round to the greatest float", "[[3.40282356e38]]"],
    ["integers beyond 2^53", "[[9007199254740993,123456789012345678901234567890]]"],
    ["no rows", "[]"],
    ["empty rows", "[[],[]]"],
    ["white space everywhere", " [ [ 1 , 2 ] ,\n\t[ 3 , 4 ]\r] "],
  ])("equals JSON.parse for %s", (_, text) => {
    const rows = JSON.parse(text) as number[][];
    const { matrix } = decode(text.trimEnd());
    expect(bits(matrix.values)).toEqual(bits(Float32Array.from(rows.flat())));
  });

  it.each([
    ["NaN", "[[NaN]]"],
    ["null", "[[null]]"],
    ["a string", '[["1"]]'],
    ["true", "[[true]]"],
    ["Infinity", "[[-Infinity]]"],
    ["a leading zero", "[[01]]"],
    ["a leading zero after a minus", "[[-00.5]]"],
    ["a leading plus", "[[+1]]"],
    ["a bare minus", "[[-]]"],
    ["a point without digits before it", "[[.5]]"],
    ["a point without digits after it", "[[5.]]"],
    ["an exponent without digits", "[[1e]]"],
    ["a signed exponent without digits", "[[1e+]]"],
    ["an exponent after a bare point", "[[1.e5]]"],
    ["two points", "[[1.2.3]]"],
    ["a trailing comma in a row", "[[1,]]"],
    ["a trailing comma after a row", "[[1],]"],
    ["a leading comma", "[[,1]]"],
    ["two commas", "[[1,,2]]"],
    ["a missing comma", "[[1 2]]"],
    ["a hexadecimal number", "[[0x10]]"],
    ["a number instead of a row", "[1]"],
    ["a deeper array", "[[[1]]]"],
    ["an object", "[{}]"],
    ["an unclosed array", "[[1]"],
    ["a brace that closes a row", "[[1}"],
    ["a number over float32", "[[1e39]]"],
    ["an integer over float32", `[[${"9".repeat(400)}]]`],
    ["a non-breaking space", "[[1,\u00a02]]"],
    ["nothing", ""],
    ["a bracket alone", "]"],
  ])("rejects %s", (_, text) => {
    expect(() => decode(text)).toThrow(FloatSyntaxError);
  });

  it("rejects rows of different lengths and names the row", () => {
    expect(() => decode("[[1,2],[3]]")).toThrow("expected 2 numbers in row 1, as in row 0, not 1");
  });

  it("grows beyond a size hint that is too small, and trims the result of one that is too large", () => {
    const row = Array.from({ length: 1000 }, (_, index) => index / 7);
    for (const hint of [0, 1, 999, 1000, 5000]) {
      const { matrix } = decode(JSON.stringify([row]), hint);
      expect(matrix.values).toEqual(Float32Array.from(row));
    }
  });

  it("starts at the given offset, also inside a larger buffer", () => {
    const padded = Buffer.from('xxxx{"v":[[1.5,-2.5]]}');
    const { matrix, end } = decodeFloatMatrix(padded.subarray(4), 5, 2);
    expect([...matrix.values]).toEqual([1.5, -2.5]);
    expect(end).toBe(17);
  });

  it("for arbitrary bytes, never reads too far and never throws anything else", () => {
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc
        .string({ unit: fc.constantFrom(..."[]{}0123456789.eE+-, \n"), maxLength: 60 })
        .map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(noise, (bytes) => {
        try {
          decodeFloatMatrix(bytes, 0, 4);
        } catch (error) {
          expect(error).toBeInstanceOf(FloatSyntaxError);
        }
      }),
      { numRuns: 5000 },
    );
  });
});
