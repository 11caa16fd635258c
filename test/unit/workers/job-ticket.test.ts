import { expect, test } from "vitest";
import { HandBack, LONGEST_DELAY_MS } from "../../../src/workers/job-ticket.ts";

test("a job that is taken in vain again and again waits longer, and never longer than 15 s", () => {
  const paused = new HandBack("the run is paused", 2_000, { grows: true });
  expect([1, 2, 3, 4, 5, 1_000].map((taken) => paused.delayFor(taken))).toEqual([
    ...[2_000, 4_000, 8_000, 15_000, 15_000, 15_000],
  ]);
  expect(LONGEST_DELAY_MS).toBe(15_000);
});

test("a job that another worker may take at once waits as long as ever", () => {
  expect(new HandBack("no credentials", 3_000).delayFor(50)).toBe(3_000);
  expect(new HandBack("the worker is stopping").delayFor(50)).toBe(0);
});
