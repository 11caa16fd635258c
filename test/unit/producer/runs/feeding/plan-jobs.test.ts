import fc from "fast-check";
import { expect, test } from "vitest";
import type { Item } from "#src/core/item.ts";
import { countNextJobItems, createJobShape } from "#src/producer/runs/feeding/plan-jobs.ts";

const items = (sizes: readonly number[]): Item[] =>
  sizes.map((size, index) => ({ index, id: `${index}`, text: "x".repeat(size), tokens: 1 }));

/** Cuts all items into jobs, the way the feeder does. */
function plan(all: readonly Item[], inputsPerCall: number): Item[][] {
  const shape = createJobShape(inputsPerCall);
  const jobs: Item[][] = [];
  let at = 0;
  while (at < all.length) {
    const buffer = all.slice(at, at + shape.maxItems);
    const count = countNextJobItems(buffer, shape, at + buffer.length === all.length);
    jobs.push(all.slice(at, at + count));
    expect(count).toBeGreaterThan(0);
    at += count;
  }
  return jobs;
}

test("jobs keep the order, lose nothing, and stay within their bytes unless a single item is larger", () => {
  const size = fc.oneof({ weight: 4, arbitrary: fc.nat({ max: 3_000 }) }, fc.integer({ min: 20_000, max: 90_000 }));
  fc.assert(
    fc.property(fc.array(size, { maxLength: 120 }), fc.integer({ min: 1, max: 12 }), (sizes, inputsPerCall) => {
      const all = items(sizes);
      const jobs = plan(all, inputsPerCall);
      const shape = createJobShape(inputsPerCall);
      expect(jobs.flat()).toEqual(all);
      for (const job of jobs) {
        const bytes = job.reduce((sum, item) => sum + Buffer.byteLength(item.text), 0);
        expect(job.length).toBeLessThanOrEqual(shape.maxItems);
        if (job.length > 1) expect(bytes).toBeLessThanOrEqual(shape.maxBytes);
        const isLast = job.at(-1) === all.at(-1);
        if (!isLast && job.length > inputsPerCall) expect(job.length % inputsPerCall).toBe(0);
      }
    }),
  );
});

test("small items make jobs of eight full calls", () => {
  expect(plan(items(Array(165).fill(10)), 10).map((job) => job.length)).toEqual([80, 80, 5]);
});
