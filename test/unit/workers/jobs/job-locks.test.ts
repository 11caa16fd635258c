import { expect, test } from "vitest";
import { QUEUE_SETTINGS } from "#src/queues/names.ts";
import { JobLocks } from "#src/workers/jobs/job-locks.ts";
import { createFakeClock } from "#test/support/fakes/fake-clock.ts";

test.each([-3_600_000, 3_600_000])(
  "locks become old by elapsed time only, although the clock jumps by %i ms",
  async (ms) => {
    const clock = createFakeClock();
    const locks = new JobLocks(clock);
    locks.add("token");
    clock.set(clock.now() + ms);
    expect(locks.areFresh()).toBe(true);
    await clock.advance(QUEUE_SETTINGS.lockDurationMs);
    expect(locks.areFresh()).toBe(false);
    locks.recordRenewal("token");
    expect(locks.areFresh()).toBe(true);
  },
);
