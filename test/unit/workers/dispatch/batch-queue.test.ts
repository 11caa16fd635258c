import { expect, test } from "vitest";
import { BatchQueue } from "#src/workers/dispatch/batch-queue.ts";
import type { PendingInput } from "#src/workers/dispatch/pending-input.ts";

test("an incomplete batch is called although the clock was set back by an hour while it waited", () => {
  let now = 10_000_000;
  const queue = new BatchQueue<PendingInput>({ maxInputs: 10 }, { now: () => now, sleep: async () => undefined });
  const input = { runId: "a", isInteractive: false, tokens: 1, bytes: 1, arrivedAt: now } as PendingInput;
  queue.push([input]);
  expect(queue.take(1, 50)).toEqual({ batches: [], lingerMs: 50 });
  now -= 3_600_000;
  expect(queue.take(1, 50).batches).toMatchObject([{ inputs: [input] }]);
});
