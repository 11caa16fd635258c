import { expect, test } from "vitest";
import { MAX_RETURN_DELAY_MS, ReturnToQueue } from "#src/workers/jobs/return-to-queue.ts";

test("a job that is returned again and again is delayed longer each time, up to 15 s", () => {
  const paused = new ReturnToQueue("the run is paused", 2_000, { isExponential: true });
  expect([1, 2, 3, 4, 5, 1_000].map((taken) => paused.computeDelay(taken))).toEqual([
    ...[2_000, 4_000, 8_000, 15_000, 15_000, 15_000],
  ]);
  expect(MAX_RETURN_DELAY_MS).toBe(15_000);
});

test("without exponential delay the delay stays the same", () => {
  expect(new ReturnToQueue("no credentials", 3_000).computeDelay(50)).toBe(3_000);
  expect(new ReturnToQueue("the worker is stopping").computeDelay(50)).toBe(0);
});
