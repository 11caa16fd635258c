import fc from "fast-check";
import { expect, test } from "vitest";
import { HashIndex } from "#src/producer/plan/hash-index.ts";

test("every id that was added is found under its item, and no other among so few", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string({ unit: "binary" }), { maxLength: 500 }), fc.string(), (ids, other) => {
      const set = new HashIndex();
      for (const [item, id] of ids.entries()) set.add(id, item);
      for (const [item, id] of ids.entries()) expect(set.candidates(id)).toEqual([item]);
      if (!ids.includes(other)) expect(set.candidates(other)).toEqual([]);
    }),
  );
});

test("two hundred thousand similar ids have no hash in common and grow the set in step", () => {
  const set = new HashIndex();
  let shared = 0;
  for (let item = 0; item < 200_000; item++) {
    const id = `docs/chapter-${item % 997}.md#${item}`;
    shared += set.candidates(id).length;
    set.add(id, item);
  }
  expect(shared).toBe(0);
  expect(set.size).toBe(200_000);
  expect(set.candidates("docs/chapter-3.md#3")).toEqual([3]);
});
