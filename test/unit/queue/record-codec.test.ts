import fc from "fast-check";
import { expect, test } from "vitest";
import {
  decodeRecords,
  encodeRecords,
  FrameError,
  type WireRecord,
} from "../../../src/queue/record-codec.ts";

const DIMENSIONS = 3;
const base = {
  index: fc.nat({ max: 0xffff_ffff }),
  attempts: fc.nat({ max: 65_535 }),
  tokens: fc.nat({ max: 0xffff_ffff }),
};
const anyRecord: fc.Arbitrary<WireRecord> = fc.oneof(
  fc.record({
    ...base,
    vector: fc
      .float32Array({ minLength: DIMENSIONS, maxLength: DIMENSIONS })
      .map((values) => Buffer.from(values.buffer, values.byteOffset, values.byteLength)),
  }),
  fc.record({
    ...base,
    failure: fc.record({
      kind: fc.constantFrom("server", "too-long"),
      message: fc.string({ unit: "grapheme" }),
    }),
  }) as fc.Arbitrary<WireRecord>,
  fc.record({ ...base, json: fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value ?? null))) }),
);

test("records come back as they were, in their order", () => {
  fc.assert(
    fc.property(fc.array(anyRecord, { maxLength: 12 }), (records) => {
      const decoded = decodeRecords(encodeRecords(records, DIMENSIONS));
      expect(decoded.dimensions).toBe(DIMENSIONS);
      expect(decoded.records).toEqual(records);
    }),
  );
});

test("a damaged frame gives a FrameError or some records, and never anything else", () => {
  const damage = fc.record({
    cutTo: fc.double({ min: 0, max: 1, noNaN: true }),
    flips: fc.array(fc.tuple(fc.nat({ max: 200 }), fc.nat({ max: 255 })), { maxLength: 4 }),
  });
  fc.assert(
    fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 6 }), damage, (records, { cutTo, flips }) => {
      const whole = encodeRecords(records, DIMENSIONS);
      const frame = Buffer.from(whole.subarray(0, Math.round(whole.length * cutTo)));
      for (const [at, value] of flips) if (at < frame.length) frame[at] = value;
      try {
        decodeRecords(frame);
      } catch (error) {
        expect(error).toBeInstanceOf(FrameError);
      }
    }),
    { numRuns: 500 },
  );
});

test("every cut of a frame is noticed", () => {
  const vector = Buffer.from(Float32Array.from([1, 2, 3]).buffer);
  const frame = encodeRecords(
    [
      { index: 1, attempts: 1, tokens: 5, vector },
      { index: 2, attempts: 3, tokens: 0, failure: { kind: "server", message: "no" } },
    ],
    DIMENSIONS,
  );
  for (let length = 0; length < frame.length; length++) {
    expect(() => decodeRecords(frame.subarray(0, length))).toThrow(FrameError);
  }
  expect(() => decodeRecords(Buffer.concat([frame, Buffer.from([0])]))).toThrow(FrameError);
});

test("a frame that announces more than it has, or another version, is refused", () => {
  const frame = encodeRecords([{ index: 1, attempts: 1, tokens: 5, vector: Buffer.alloc(12) }], DIMENSIONS);
  const changed = (offset: number, value: number, bytes: 2 | 4) => {
    const copy = Buffer.from(frame);
    copy.writeUIntLE(value, offset, bytes);
    return () => decodeRecords(copy);
  };
  expect(changed(0, 2, 2)).toThrow("version");
  expect(changed(2, 65_535, 2)).toThrow(FrameError);
  expect(changed(4, 0xffff_ffff, 4)).toThrow(FrameError);
  expect(changed(8, 0xffff_ffff, 4)).toThrow(FrameError);
});

test("figures that do not fit are stored as near as they can be", () => {
  const odd = [Number.NaN, -4, 1.4, 1e12, Number.POSITIVE_INFINITY];
  const records = odd.map((tokens, index) => ({ index, tokens, attempts: 99_999, vector: Buffer.alloc(12) }));
  const { records: decoded } = decodeRecords(encodeRecords(records, DIMENSIONS));
  expect(decoded.map(({ tokens }) => tokens)).toEqual([0, 0, 1, 0xffff_ffff, 0xffff_ffff]);
  expect(decoded[0]?.attempts).toBe(65_535);
});
