import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FloatSyntaxError } from "#src/providers/vectors/decode-floats.ts";
import { decodeVectorBody } from "#src/providers/vectors/decode-vector-body.ts";

function decode(text: string | Uint8Array) {
  return decodeVectorBody(typeof text === "string" ? Buffer.from(text) : text, "vectors", 4);
}

const matrixValue = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 4 })).chain(([columns, rows]) =>
  fc.array(
    fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), {
      minLength: columns,
      maxLength: columns,
    }),
    { minLength: rows, maxLength: rows },
  ),
);
const otherFields = fc.dictionary(
  fc.string({ unit: "grapheme" }).filter((key) => key !== "vectors" && key !== "__proto__"),
  fc.jsonValue(),
  { maxKeys: 5 },
);

/** A body with the vectors between other fields, with or without white space. */
const body = fc
  .tuple(matrixValue, otherFields, fc.nat(), fc.constantFrom(undefined, 1, "\t"))
  .map(([vectors, others, at, indent]) => {
    const fields = Object.entries<unknown>(others);
    fields.splice(at % (fields.length + 1), 0, ["vectors", vectors]);
    return { text: JSON.stringify(Object.fromEntries(fields), null, indent) };
  });

describe("decodeVectorBody", () => {
  it("equals JSON.parse for any key order and any additional keys", () => {
    fc.assert(
      fc.property(body, ({ text }) => {
        const { matrix, rest } = decode(text);
        const { vectors, ...others } = JSON.parse(text) as { vectors: number[][] };
        expect(matrix?.values).toEqual(Float32Array.from(vectors.flat()));
        expect(matrix?.rows).toBe(vectors.length);
        expect(Object.fromEntries(rest)).toEqual(others);
      }),
      { numRuns: 500 },
    );
  });

  it("rejects every truncated body", () => {
    fc.assert(
      fc.property(body, ({ text }) => {
        const bytes = Buffer.from(text);
        for (let length = 0; length < bytes.length; length++)
          expect(() => decode(bytes.subarray(0, length)), `${length} bytes`).toThrow(FloatSyntaxError);
      }),
      { numRuns: 60 },
    );
  });

  it("with one changed byte, accepts nothing that JSON.parse rejects or reads differently", () => {
    fc.assert(
      fc.property(body, fc.nat(), fc.integer({ min: 32, max: 126 }), ({ text }, at, byte) => {
        const bytes = Buffer.from(text);
        bytes[at % bytes.length] = byte;
        const changed = bytes.toString();
        let decoded: ReturnType<typeof decode>;
        try {
          decoded = decode(changed);
        } catch (error) {
          expect(error).toBeInstanceOf(FloatSyntaxError);
          return;
        }
        const parsed = JSON.parse(changed) as { vectors?: number[][] };
        expect(decoded.matrix?.values ?? new Float32Array(0)).toEqual(Float32Array.from((parsed.vectors ?? []).flat()));
      }),
      { numRuns: 3000 },
    );
  });

  it("throws only its own error for arbitrary bytes", () => {
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc
        .string({ unit: fc.constantFrom(...'[]{}"\\:,0123.eE-vectors \n'), maxLength: 80 })
        .map((text) => Buffer.from(`{"vectors":${text}}`)),
    );
    fc.assert(
      fc.property(noise, (bytes) => {
        try {
          decode(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(FloatSyntaxError);
        }
      }),
      { numRuns: 5000 },
    );
  });

  it("distinguishes a null field from an absent one", () => {
    expect(decode('{"vectors":null}').matrix).toBeNull();
    expect(decode('{"total_tokens":3}').matrix).toBeUndefined();
    expect(decode("{}").rest.size).toBe(0);
  });

  it("never lets keys of the upstream reach a prototype", () => {
    const { rest } = decode('{"__proto__":{"polluted":true},"vectors":[[1]]}');
    expect(rest.get("__proto__")).toEqual({ polluted: true });
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it("uses the last of two equal keys", () => {
    expect([...(decode('{"vectors":[[1]],"vectors":[[2]]}').matrix?.values ?? [])]).toEqual([2]);
  });

  it("finds a key that is written with escapes", () => {
    expect(decode('{"\\u0076ectors":[[1]]}').matrix?.rows).toBe(1);
  });

  it.each([
    ["an array", "[]"],
    ["text behind the object", '{"vectors":[[1]]} x'],
    ["a second object", "{}{}"],
    ["a trailing comma", '{"vectors":[[1]],}'],
    ["a key without quotes", "{vectors:[[1]]}"],
    ["a missing colon", '{"vectors" [[1]]}'],
    ["a missing value", '{"a":}'],
    ["a string for vectors", '{"vectors":"none"}'],
    ["an object for vectors", '{"vectors":{}}'],
    ["a bad value elsewhere", '{"a":nul,"vectors":[[1]]}'],
    ["mismatched brackets elsewhere", '{"a":[}],"vectors":[[1]]}'],
    ["a byte order mark", '\ufeff{"vectors":[[1]]}'],
  ])("rejects %s", (_, text) => {
    expect(() => decode(text)).toThrow(FloatSyntaxError);
  });

  it("never quotes the body in its message", () => {
    expect(() => decode('{"secret":sk-12345}')).toThrow(/^byte 10: expected a JSON value$/);
  });
});
