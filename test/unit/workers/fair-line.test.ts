import fc from "fast-check";
import { expect, test } from "vitest";
import { FairLine } from "../../../src/workers/fair-line.ts";

interface Thing {
  readonly runId: string;
  readonly isUrgent: boolean;
  readonly number: number;
}

const thing = (runId: string, number: number, isUrgent = false): Thing => ({ runId, isUrgent, number });
const many = (runId: string, count: number, isUrgent = false) =>
  Array.from({ length: count }, (_, i) => thing(runId, i, isUrgent));

test("what iteration shows is what is taken, each run keeps its order, and nothing is lost or doubled", () => {
  const step = fc.oneof(
    fc.record({
      do: fc.constant("push" as const),
      run: fc.constantFrom("a", "b", "c"),
      isUrgent: fc.boolean(),
      count: fc.integer({ min: 1, max: 8 }),
    }),
    fc.record({
      do: fc.constant("take" as const),
      count: fc.integer({ min: 0, max: 12 }),
      back: fc.boolean(),
    }),
    fc.record({ do: fc.constant("remove" as const), run: fc.constantFrom("a", "b", "c") }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const line = new FairLine<Thing>();
      const inside = new Set<Thing>();
      let number = 0;
      for (const one of steps) {
        if (one.do === "push") {
          const pushed = Array.from({ length: one.count }, () => thing(one.run, number++, one.isUrgent));
          for (const each of pushed) inside.add(each);
          line.push(...pushed);
        } else if (one.do === "take") {
          const shown = [...line].slice(0, one.count);
          const taken = line.take(one.count);
          expect(taken).toEqual(shown);
          if (one.back) line.unshift(taken);
          else for (const each of taken) expect(inside.delete(each)).toBe(true);
        } else {
          for (const each of line.remove(({ runId }) => runId === one.run))
            expect(inside.delete(each)).toBe(true);
          expect([...line].some(({ runId }) => runId === one.run)).toBe(false);
        }
        const now = [...line];
        expect(line.length).toBe(inside.size);
        expect(new Set(now)).toEqual(inside);
        for (const run of ["a", "b", "c"]) {
          for (const isUrgent of [true, false]) {
            const order = now.filter((each) => each.runId === run && each.isUrgent === isUrgent);
            expect(order.map((each) => each.number)).toEqual(
              order.map((each) => each.number).sort((x, y) => x - y),
            );
          }
        }
      }
    }),
  );
});

test("runs take turns, batch by batch", () => {
  const line = new FairLine<Thing>();
  line.push(...many("large", 100), ...many("small", 20));
  const turns = Array.from({ length: 6 }, () => line.take(10)[0]?.runId);
  expect(turns).toEqual(["large", "small", "large", "small", "large", "large"]);
});

test("urgent inputs go first, and leave the turns of the others as they were", () => {
  const line = new FairLine<Thing>();
  line.push(...many("a", 20), ...many("b", 20));
  line.push(...many("now", 10, true));
  expect(line.take(10).every(({ isUrgent }) => isUrgent)).toBe(true);
  expect(line.take(10)[0]?.runId).toBe("a");
  expect(line.take(10)[0]?.runId).toBe("b");
});
