import fc from "fast-check";
import { expect, test } from "vitest";
import { countRowStarts } from "#src/producer/input/formats/repetition-levels.ts";

type Run = { readonly level: number; readonly count: number } | { readonly packed: readonly number[] };

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

/** Levels as Parquet stores them, after their length in bytes. */
function encode(runs: readonly Run[], bits: number): Uint8Array {
  const bytes = runs.flatMap((run) => {
    if ("level" in run) return [...varint(run.count * 2), run.level];
    const groups = Math.ceil(run.packed.length / 8);
    const packed = new Array<number>(groups * bits).fill(0);
    for (const [at, level] of run.packed.entries())
      for (let bit = 0; bit < bits; bit += 1)
        if ((level >> bit) & 1)
          packed[(at * bits + bit) >> 3] = (packed[(at * bits + bit) >> 3] ?? 0) | (1 << ((at * bits + bit) & 7));
    return [...varint(groups * 2 + 1), ...packed];
  });
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, bytes.length, true);
  return Uint8Array.from([...length, ...bytes, 255, 255]);
}

test("rows of any levels are counted, and whether the page starts one", () => {
  const cases = fc.integer({ min: 1, max: 5 }).chain((maximum) => {
    const level = fc.integer({ min: 0, max: maximum });
    const eight = fc
      .array(level, { minLength: 1, maxLength: 4 })
      .map((levels) => levels.flatMap((each) => [each, 0, 1, maximum, each, 0, 0, maximum]));
    const run = fc.oneof(
      fc.record({ level, count: fc.integer({ min: 1, max: 300 }) }),
      eight.map((packed) => ({ packed })),
    );
    return fc.record({ maximum: fc.constant(maximum), runs: fc.array(run, { minLength: 1 }), cut: fc.nat(7) });
  });
  fc.assert(
    fc.property(cases, ({ maximum, runs, cut }) => {
      const all = runs.flatMap((run) => ("level" in run ? new Array<number>(run.count).fill(run.level) : run.packed));
      // The last group of a page may be filled up with levels that do not count.
      const levels = all.slice(0, Math.max(1, all.length - cut));
      const page = encode(runs, 32 - Math.clz32(maximum));
      expect(countRowStarts(page, levels.length, maximum)).toEqual({
        rows: levels.filter((level) => level === 0).length,
        startsRow: levels[0] === 0,
      });
    }),
  );
});

test("a page that ends within its levels is rejected", () => {
  expect(() => countRowStarts(Uint8Array.of(9, 0, 0, 0, 3), 8, 1)).toThrow(RangeError);
});
