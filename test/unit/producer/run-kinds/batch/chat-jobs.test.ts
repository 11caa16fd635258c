import fc from "fast-check";
import { expect, test } from "vitest";
import type { Item } from "#src/core/item.ts";
import { countNextChatJobItems } from "#src/producer/run-kinds/batch/chat-jobs.ts";
import { CALLS_PER_JOB, MAX_JOB_BYTES } from "#src/queues/payload.ts";

const itemArbitrary = fc.record({
  gap: fc.oneof({ weight: 5, arbitrary: fc.constant(1) }, fc.integer({ min: 2, max: 9 })),
  model: fc.oneof({ weight: 5, arbitrary: fc.constant("zhipu/a") }, fc.constant("zhipu/b")),
  size: fc.oneof({ weight: 4, arbitrary: fc.nat({ max: 900 }) }, fc.integer({ min: 20_000, max: 90_000 })),
});

function toItems(drawn: readonly { gap: number; model: string; size: number }[]): Item[] {
  let index = -1;
  return drawn.map(({ gap, model, size }) => {
    index += gap;
    return { index, id: `${index}`, text: "x".repeat(size), tokens: 1, metadata: { model } };
  });
}

test("a chat job carries items that ask one model, few and small enough; none is left out or moved", () => {
  fc.assert(
    fc.property(fc.array(itemArbitrary, { maxLength: 60 }), (drawn) => {
      const all = toItems(drawn);
      const jobs: Item[][] = [];
      for (let at = 0; at < all.length; at += jobs.at(-1)?.length ?? 0) {
        jobs.push(all.slice(at, at + countNextChatJobItems(all.slice(at))));
      }
      expect(jobs.flat()).toEqual(all);
      for (const job of jobs) {
        expect(job.length).toBeLessThanOrEqual(CALLS_PER_JOB);
        expect(new Set(job.map(({ metadata }) => metadata?.model)).size).toBe(1);
        const bytes = job.reduce((sum, { text }) => sum + text.length, 0);
        if (job.length > 1) expect(bytes).toBeLessThanOrEqual(MAX_JOB_BYTES);
      }
    }),
  );
});

test("a job is as large as it may be", () => {
  const all = toItems(Array.from({ length: 20 }, () => ({ gap: 1, model: "zhipu/a", size: 10 })));
  expect(countNextChatJobItems(all)).toBe(CALLS_PER_JOB);
});
