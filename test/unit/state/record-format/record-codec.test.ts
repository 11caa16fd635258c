import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeRecords, encodeRecords, FrameError, type WireRecord } from "#src/state/record-format/record-codec.ts";

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

test("records are decoded unchanged and in order", () => {
  fc.assert(
    fc.property(fc.array(anyRecord, { maxLength: 12 }), (records) => {
      const decoded = decodeRecords(encodeRecords(records, DIMENSIONS));
      expect(decoded.dimensions).toBe(DIMENSIONS);
      expect(decoded.records).toEqual(records);
    }),
  );
});

test("a damaged frame yields a FrameError or records, and nothing else", () => {
  const damage = fc.record({
    cutTo: fc.double({ min: 0, max: 1, noNaN: true }),
    flips: fc.array(fc.tuple(fc.nat({ max: 200 }), fc.nat({ max: 255 })), { maxLength: 4 }),
  });
  fc.assert(
    fc.property(
      fc.array(anyRecord, { minLength: 1, maxLength: 6 }),
      fc.boolean(),
      damage,
      (plain, hasCalls, { cutTo, flips }) => {
        const call = { lane: "p/m", startedAt: 1, durationMs: 2 };
        const records = hasCalls ? plain.map((record) => ({ ...record, call })) : plain;
        const whole = encodeRecords(records, DIMENSIONS);
        const frame = Buffer.from(whole.subarray(0, Math.round(whole.length * cutTo)));
        for (const [at, value] of flips) if (at < frame.length) frame[at] = value;
        try {
          decodeRecords(frame);
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError);
        }
      },
    ),
    { numRuns: 500 },
  );
});

test("records contain their calls, and records of one call share it", () => {
  const calls = fc.array(
    fc.record({
      lane: fc.string({ unit: "grapheme" }),
      startedAt: fc.nat({ max: 2 ** 48 }),
      durationMs: fc.nat(),
    }),
    { minLength: 1, maxLength: 300 },
  );
  const picks = fc.array(fc.tuple(anyRecord, fc.option(fc.nat())), { maxLength: 300 });
  fc.assert(
    fc.property(calls, picks, (made, picked) => {
      const records = picked.map(([record, pick]) => {
        const call = pick === null ? undefined : made[pick % made.length];
        return call ? { ...record, call } : record;
      });
      const allCalls = new Set(records.flatMap(({ call }) => call ?? []).slice(0, 10_000));
      const kept = new Set([...allCalls].slice(0, 255));
      const expected = records.map(({ call, ...record }) => (call && kept.has(call) ? { ...record, call } : record));
      expect(decodeRecords(encodeRecords(records, DIMENSIONS)).records).toEqual(expected);
    }),
  );
  const call = { lane: "minimax/embo-01", startedAt: 1_795_253_350_123.4, durationMs: 182.6 };
  const plain = Array.from({ length: 10 }, (_, index) => ({
    index,
    attempts: 1,
    tokens: 5,
    vector: Buffer.alloc(12),
  }));
  const withCalls = plain.map((record) => ({ ...record, call }));
  const [without, frame] = [encodeRecords(plain, 3), encodeRecords(withCalls, 3)];
  // In a batch of ten, call details cost less than five bytes per item.
  expect(frame.length - without.length).toBeLessThan(50);
  const [first, second] = decodeRecords(frame).records;
  expect(first?.call).toEqual({ lane: "minimax/embo-01", startedAt: 1_795_253_350_123, durationMs: 183 });
  expect(second?.call).toBe(first?.call);
});

test("the calls of many chat records cost a few bytes each", () => {
  const plain = Array.from({ length: 64 }, (_, index) => ({ index, attempts: 1, tokens: 5, json: "answer" }));
  const startedAt = 1_795_253_350_123;
  const withCalls = plain.map((record, i) => ({
    ...record,
    call: { lane: "minimax/MiniMax-M2", startedAt: startedAt + i * 7, durationMs: 12_345 + i },
  }));
  const frame = encodeRecords(withCalls, 0);
  expect((frame.length - encodeRecords(plain, 0).length) / 64).toBeLessThan(14);
  expect(decodeRecords(frame).records).toEqual(withCalls);
});

test("a frame with invalid calls is rejected", () => {
  const record = { index: 1, attempts: 1, tokens: 5, json: "x" };
  const frame = encodeRecords([record], 0);
  frame.writeUInt16LE(2, 0);
  expect(() => decodeRecords(frame)).toThrow("calls");
});

test("every truncation of a frame is detected", () => {
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

test("a frame that announces more than it contains, or another version, is rejected", () => {
  const frame = encodeRecords([{ index: 1, attempts: 1, tokens: 5, vector: Buffer.alloc(12) }], DIMENSIONS);
  const changed = (offset: number, value: number, bytes: 2 | 4) => {
    const copy = Buffer.from(frame);
    copy.writeUIntLE(value, offset, bytes);
    return () => decodeRecords(copy);
  };
  expect(changed(0, 3, 2)).toThrow("version");
  expect(changed(2, 65_535, 2)).toThrow(FrameError);
  expect(changed(4, 0xffff_ffff, 4)).toThrow(FrameError);
  expect(changed(8, 0xffff_ffff, 4)).toThrow(FrameError);
});

test("numbers out of range are clamped", () => {
  const odd = [Number.NaN, -4, 1.4, 1e12, Number.POSITIVE_INFINITY];
  const records = odd.map((tokens, index) => ({ index, tokens, attempts: 99_999, vector: Buffer.alloc(12) }));
  const { records: decoded } = decodeRecords(encodeRecords(records, DIMENSIONS));
  expect(decoded.map(({ tokens }) => tokens)).toEqual([0, 0, 1, 0xffff_ffff, 0xffff_ffff]);
  expect(decoded[0]?.attempts).toBe(65_535);
});
