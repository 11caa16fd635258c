import fc from "fast-check";
import { expect, test } from "vitest";
import { judgeCanary } from "#src/workers/canaries/judge-canary.ts";

const DIMENSIONS = 64;
const vectorOf = (seed: number) =>
  Float32Array.from({ length: DIMENSIONS }, (_, i) => Math.sin((seed + 1) * (i + 1) * 7.3));
const reference = vectorOf(1_000);

const judge = (vectors: readonly Float32Array[], place: number) => {
  const all = new Float32Array(vectors.length * DIMENSIONS);
  for (const [i, vector] of vectors.entries()) all.set(vector, i * DIMENSIONS);
  return judgeCanary({ vectors: all, dimensions: DIMENSIONS, place }, reference);
};

/** The vectors of a call with a canary at `place`. */
const callOf = (size: number, place: number) =>
  Array.from({ length: size }, (_, i) => (i === place ? reference : vectorOf(i)));

const call = fc
  .integer({ min: 2, max: 12 })
  .chain((size) => fc.record({ size: fc.constant(size), place: fc.nat(size - 1), other: fc.nat(size - 1) }));

test("a canary matches at any place, also if no vector is bit-identical", () => {
  fc.assert(
    fc.property(call, fc.integer(), ({ size, place }, seed) => {
      const noisy = callOf(size, place).map((vector) =>
        vector.map((value, i) => value + 1e-3 * Math.sin(seed + i * 12.9898)),
      );
      expect(judge(noisy, place)).toBeUndefined();
    }),
  );
});

test("a canary whose row was swapped with another one was moved", () => {
  fc.assert(
    fc.property(call, ({ size, place, other }) => {
      fc.pre(place !== other);
      const vectors = callOf(size, place);
      vectors[place] = vectorOf(other);
      vectors[other] = reference;
      expect(judge(vectors, place)?.kind).toBe("moved");
    }),
  );
});

test("a canary with the vector of another input differs from one with a new vector", () => {
  fc.assert(
    fc.property(call, ({ size, place, other }) => {
      fc.pre(place !== other);
      expect(judge(callOf(size, place).with(place, vectorOf(other)), place)?.kind).toBe("neighbor");
      expect(judge(callOf(size, place).with(place, vectorOf(999)), place)?.kind).toBe("different");
    }),
  );
});

test("vectors of another length differ", () => {
  const vectors = new Float32Array(6).fill(1);
  expect(judgeCanary({ vectors, dimensions: 2, place: 1 }, Float32Array.from([1, 1, 1]))).toMatchObject({ cosine: 0 });
});
