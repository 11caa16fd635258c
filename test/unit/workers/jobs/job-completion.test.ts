import { expect, test } from "vitest";
import { MAX_RETURN_DELAY_MS, ReturnToQueue } from "#src/workers/jobs/job-completion.ts";

test("a job that is taken in vain again and again waits longer, and never longer than 15 s", () => {
  const paused = new ReturnToQueue("the run is paused", 2_000, { isExponential: true });
  expect([1, 2, 3, 4, 5, 1_000].map((taken) => paused.computeDelay(taken))).toEqual([
    ...[2_000, 4_000, 8_000, 15_000, 15_000, 15_000],
  ]);
  expect(MAX_RETURN_DELAY_MS).toBe(15_000);
});

test("a job that another worker may take at once waits as long as ever", () => {
  expect(new ReturnToQueue("no credentials", 3_000).computeDelay(50)).toBe(3_000);
  expect(new ReturnToQueue("the worker is stopping").computeDelay(50)).toBe(0);
});
