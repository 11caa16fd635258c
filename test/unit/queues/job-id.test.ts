import fc from "fast-check";
import { expect, test } from "vitest";
import { jobId } from "#src/queues/job-id.ts";

const SHAPE = /^i-[a-z2-7]{26,}(~g[0-9]+)?$/;
const RESERVED = ["wait", "meta", "active", "delayed", "completed", "failed", "paused", "prioritized", "events", "id"];

test("IDs have a format that BullMQ never uses, for any run name", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary" }),
      fc.nat(),
      fc.nat(),
      fc.nat({ max: 99 }),
      (run, first, last, generation) => {
        const id = jobId(run, first, last, generation);
        expect(id).toMatch(SHAPE);
        expect(id).toBe(jobId(run, first, last, generation));
        expect(id.includes(":")).toBe(false);
      },
    ),
  );
  for (const word of RESERVED) {
    expect(jobId(word, 0, 0)).toMatch(SHAPE);
    expect(word).not.toMatch(SHAPE);
  }
});

test("different items, runs and generations have different IDs", () => {
  const runs = [...RESERVED, "e-20261121-k3m9x2ab", "e-20261121-k3m9x2ac", "", "0", "0\u00001", "a:b", "../x", "中文"];
  const ids = runs.flatMap((run) =>
    [0, 1, 9, 10, 11, 79, 80, 1_000_000].flatMap((first) =>
      [first, first + 1, first + 79].flatMap((last) =>
        [0, 1, 2].map((generation) => jobId(run, first, last, generation)),
      ),
    ),
  );
  expect(new Set(ids).size).toBe(ids.length);
});
