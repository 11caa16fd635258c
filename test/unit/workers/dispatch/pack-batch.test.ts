import fc from "fast-check";
import { expect, test } from "vitest";
import { type BatchLimits, packBatch, type Sized } from "#src/workers/dispatch/pack-batch.ts";

const sized = fc.record({ tokens: fc.integer({ min: 1, max: 60 }), bytes: fc.integer({ min: 1, max: 200 }) });
const anyLimits = fc.record(
  {
    maxInputs: fc.integer({ min: 1, max: 12 }),
    maxTokens: fc.integer({ min: 1, max: 150 }),
    maxBytes: fc.integer({ min: 1, max: 500 }),
  },
  { requiredKeys: ["maxInputs"] },
) as fc.Arbitrary<BatchLimits>;

function packAll(inputs: readonly Sized[], limits: BatchLimits): Sized[][] {
  const batches: Sized[][] = [];
  for (let at = 0; at < inputs.length; ) {
    const { size, tokens } = packBatch(inputs.slice(at), limits);
    const batch = inputs.slice(at, at + size);
    expect(size).toBeGreaterThan(0);
    expect(tokens).toBe(sum(batch, "tokens"));
    batches.push(batch);
    at += size;
  }
  return batches;
}

const sum = (inputs: readonly Sized[], what: keyof Sized) => inputs.reduce((all, input) => all + input[what], 0);

function fits(inputs: readonly Sized[], { maxInputs, maxTokens, maxBytes }: BatchLimits): boolean {
  return (
    inputs.length <= maxInputs &&
    sum(inputs, "tokens") <= (maxTokens ?? Number.POSITIVE_INFINITY) &&
    sum(inputs, "bytes") <= (maxBytes ?? Number.POSITIVE_INFINITY)
  );
}

test("batches keep the order, lose nothing, and only a single input is ever over a limit", () => {
  fc.assert(
    fc.property(fc.array(sized, { maxLength: 80 }), anyLimits, (inputs, limits) => {
      const batches = packAll(inputs, limits);
      expect(batches.flat()).toEqual(inputs);
      for (const batch of batches) if (batch.length > 1) expect(fits(batch, limits)).toBe(true);
    }),
  );
});

test("no batch could have taken the next input as well", () => {
  fc.assert(
    fc.property(fc.array(sized, { maxLength: 80 }), anyLimits, (inputs, limits) => {
      const batches = packAll(inputs, limits);
      for (const [i, batch] of batches.slice(0, -1).entries()) {
        expect(fits([...batch, batches[i + 1]?.[0] as Sized], limits)).toBe(false);
      }
    }),
  );
});

test("a batch of the whole queue is full only if not even the smallest input would fit", () => {
  fc.assert(
    fc.property(fc.array(sized, { minLength: 1, maxLength: 15 }), anyLimits, (inputs, limits) => {
      const { size, isFull } = packBatch(inputs, limits);
      if (size < inputs.length) expect(isFull).toBe(true);
      else expect(isFull).toBe(!fits([...inputs, { tokens: 1, bytes: 1 }], limits));
    }),
  );
});

test("with only a limit of inputs, no packing needs fewer calls", () => {
  fc.assert(
    fc.property(fc.array(sized, { maxLength: 200 }), fc.integer({ min: 1, max: 20 }), (inputs, maxInputs) => {
      expect(packAll(inputs, { maxInputs })).toHaveLength(Math.ceil(inputs.length / maxInputs));
    }),
  );
});

test("an empty queue makes no batch", () => {
  expect(packBatch([], { maxInputs: 10 })).toEqual({ size: 0, tokens: 0, isFull: false });
});
