import { expect, test } from "vitest";
import { BatchQueue } from "#src/workers/dispatch/batch-queue.ts";
import type { PendingInput } from "#src/workers/dispatch/pending-input.ts";
import { createFakeClock } from "#test/support/fakes/fake-clock.ts";

test.each([-3_600_000, 3_600_000])(
  "an incomplete batch waits its time although the clock jumps by %i ms",
  async (ms) => {
    const clock = createFakeClock();
    const queue = new BatchQueue<PendingInput>({ maxInputs: 10 }, clock);
    const input = {
      runId: "a",
      isInteractive: false,
      tokens: 1,
      bytes: 1,
      arrivedAt: clock.monotonic(),
    } as PendingInput;
    queue.push([input]);
    clock.set(clock.now() + ms);
    expect(queue.take(1, { lingerMs: 50, isTesting: false })).toEqual({ batches: [], lingerMs: 50 });
    await clock.advance(50);
    expect(queue.take(1, { lingerMs: 50, isTesting: false }).batches).toMatchObject([{ inputs: [input] }]);
  },
);
