import fc from "fast-check";
import { expect, test } from "vitest";
import { Window } from "#src/producer/runs/feeding/feed-window.ts";

const ITEMS = 40;

function job(number: number, first: number, last: number) {
  return { id: `job-${number}`, first, last, generation: 0 };
}

const anyStep = fc.oneof(
  fc.record({
    do: fc.constant("add" as const),
    job: fc.nat({ max: 8 }),
    items: fc.uniqueArray(fc.nat({ max: ITEMS - 1 }), { maxLength: 10 }),
  }),
  fc.record({ do: fc.constant("collect" as const), item: fc.nat({ max: ITEMS - 1 }) }),
  fc.record({ do: fc.constant("durable" as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
  fc.record({ do: fc.constant("remove" as const), job: fc.nat({ max: 8 }) }),
);

test("the window's size is the items in Redis, however jobs overlap, end and go away", () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 60 }), (steps) => {
      const window = new Window();
      const holder = new Map<number, number>();
      let collected = 0;
      for (const [now, step] of steps.entries()) {
        if (step.do === "add") {
          for (const [item, by] of holder) if (by === step.job) holder.delete(item);
          for (const item of step.items) holder.set(item, step.job);
          window.add(job(step.job, 0, 1), step.items, now);
        } else if (step.do === "collect") {
          if (holder.delete(step.item)) collected += 1;
          window.markCollected(step.item, now);
        } else if (step.do === "durable") {
          const part = Math.floor(collected * step.share);
          collected -= part;
          const ended = window.markDurable(part);
          for (const id of ended) expect([...holder.values()].map((by) => `job-${by}`)).not.toContain(id);
        } else {
          for (const [item, by] of holder) if (by === step.job) holder.delete(item);
          window.remove(`job-${step.job}`);
        }
        expect(window.open).toBe(holder.size);
        expect(window.collected).toBe(collected);
        expect(window.size).toBe(holder.size + collected);
        const idle = new Map(window.idleSince(Number.POSITIVE_INFINITY).map(({ id, open }) => [id, open.size]));
        const open = new Map<string, number>();
        for (const by of holder.values()) open.set(`job-${by}`, (open.get(`job-${by}`) ?? 0) + 1);
        expect(idle).toEqual(open);
      }
      window.clear();
      expect([window.size, window.open, window.collected]).toEqual([0, 0, 0]);
    }),
  );
});

test("a job ends once, when all its records are durable", () => {
  const window = new Window();
  window.add(job(1, 0, 1), [0, 1], 0);
  window.markCollected(0, 5);
  expect(window.markDurable(1)).toEqual([]);
  window.markCollected(1, 6);
  expect(window.markDurable(1)).toEqual(["job-1"]);
  expect(window.markDurable(0)).toEqual([]);
});

test("a job is idle from its last collected record on", () => {
  const window = new Window();
  window.add(job(1, 0, 1), [0, 1], 100);
  window.markCollected(0, 200);
  expect(window.idleSince(200)).toEqual([]);
  expect(window.idleSince(201).map(({ id }) => id)).toEqual(["job-1"]);
});

test("items without a record are counted for each lane", () => {
  const window = new Window();
  window.add(job(1, 0, 1), [0, 1], 0, { lane: "a" });
  window.add(job(2, 2, 3), [2, 3], 0, { lane: "b" });
  expect([window.openOf("a"), window.openOf("b")]).toEqual([2, 2]);
  window.markCollected(2, 1);
  expect([window.openOf("a"), window.openOf("b")]).toEqual([2, 1]);
  window.markDurable(1);
  expect(window.openOf("")).toBe(0);
});
