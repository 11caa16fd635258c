import fc from "fast-check";
import { expect, test } from "vitest";
import type { TenantShare } from "#src/queues/payload.ts";
import { FairQueue } from "#src/workers/dispatch/fair-queue.ts";

interface TestInput {
  readonly runId: string;
  readonly isInteractive: boolean;
  readonly number: number;
  readonly tenant?: TenantShare;
}

const createInput = (runId: string, number: number, isInteractive = false): TestInput => ({
  runId,
  isInteractive,
  number,
});
const createInputs = (runId: string, count: number, isInteractive = false) =>
  Array.from({ length: count }, (_, i) => createInput(runId, i, isInteractive));

test("take follows the order of iteration, each run keeps its order, and nothing is lost or duplicated", () => {
  const step = fc.oneof(
    fc.record({
      do: fc.constant("push" as const),
      run: fc.constantFrom("a", "b", "c"),
      isInteractive: fc.boolean(),
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
      const queue = new FairQueue<TestInput>();
      const inside = new Set<TestInput>();
      let number = 0;
      for (const one of steps) {
        if (one.do === "push") {
          const pushed = Array.from({ length: one.count }, () => createInput(one.run, number++, one.isInteractive));
          for (const each of pushed) inside.add(each);
          queue.push(...pushed);
        } else if (one.do === "take") {
          const shown = [...queue].slice(0, one.count);
          const taken = queue.take(one.count);
          expect(taken).toEqual(shown);
          if (one.back) queue.unshift(taken);
          else for (const each of taken) expect(inside.delete(each)).toBe(true);
        } else {
          for (const each of queue.remove(({ runId }) => runId === one.run)) expect(inside.delete(each)).toBe(true);
          expect([...queue].some(({ runId }) => runId === one.run)).toBe(false);
        }
        const now = [...queue];
        expect(queue.length).toBe(inside.size);
        expect(new Set(now)).toEqual(inside);
        for (const run of ["a", "b", "c"]) {
          for (const isInteractive of [true, false]) {
            const order = now.filter((each) => each.runId === run && each.isInteractive === isInteractive);
            expect(order.map((each) => each.number)).toEqual(order.map((each) => each.number).sort((x, y) => x - y));
          }
        }
      }
    }),
  );
});

test("runs take turns, batch by batch", () => {
  const queue = new FairQueue<TestInput>();
  queue.push(...createInputs("large", 100), ...createInputs("small", 20));
  const turns = Array.from({ length: 6 }, () => queue.take(10)[0]?.runId);
  expect(turns).toEqual(["large", "small", "large", "small", "large", "large"]);
});

test("interactive inputs are served first and do not change the turns of the others", () => {
  const queue = new FairQueue<TestInput>();
  queue.push(...createInputs("a", 20), ...createInputs("b", 20));
  queue.push(...createInputs("now", 10, true));
  expect(queue.take(10).every(({ isInteractive }) => isInteractive)).toBe(true);
  expect(queue.take(10)[0]?.runId).toBe("a");
  expect(queue.take(10)[0]?.runId).toBe("b");
});

const createTenantInputs = (id: string, runs: number, each: number, weight = 1) =>
  Array.from({ length: runs }, (_, run) =>
    createInputs(`${id}-${run}`, each).map((input) => ({ ...input, tenant: { id, weight } })),
  ).flat();
/** The tenants that the next `turns` batches of `count` inputs belong to. */
const listTurns = (
  queue: FairQueue<TestInput & { readonly tenant?: { readonly id: string } }>,
  turns: number,
  count = 1,
) => Array.from({ length: turns }, () => queue.take(count)[0]?.tenant?.id ?? "operator").join(" ");

test("tenants take turns, whatever the number of their runs and items, and so does the operator", () => {
  const queue = new FairQueue<TestInput>();
  queue.push(...createTenantInputs("large", 900, 1), ...createTenantInputs("small", 3, 1), ...createInputs("own", 5));
  expect(listTurns(queue, 9)).toBe("large small operator large small operator large small operator");
  expect(listTurns(queue, 5)).toBe("large operator large operator large");
});

test("runs of one tenant take turns within its turns", () => {
  const queue = new FairQueue<TestInput>();
  queue.push(...createTenantInputs("a", 2, 3), ...createTenantInputs("b", 1, 3));
  expect(Array.from({ length: 6 }, () => queue.take(1)[0]?.runId)).toEqual(["a-0", "b-0", "a-1", "b-0", "a-0", "b-0"]);
});

test("a tenant with a larger weight gets more turns", () => {
  const queue = new FairQueue<TestInput>();
  queue.push(...createTenantInputs("heavy", 50, 1, 3), ...createTenantInputs("light", 50, 1));
  expect(listTurns(queue, 8)).toBe("heavy heavy heavy light heavy heavy heavy light");
});
