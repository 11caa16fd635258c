import { expect, test } from "vitest";
import { QUEUE_SETTINGS } from "#src/queues/names.ts";
import { JobLocks } from "#src/workers/jobs/job-locks.ts";
import { createFakeClock } from "#test/support/fakes/fake-clock.ts";

test.each([-3_600_000, 3_600_000])(
  "locks become old by elapsed time only, although the clock jumps by %i ms",
  async (ms) => {
    const clock = createFakeClock();
    const locks = new JobLocks(clock);
    locks.add("token", 0);
    clock.set(clock.now() + ms);
    expect(locks.areFresh()).toBe(true);
    await clock.advance(QUEUE_SETTINGS.lockDurationMs);
    expect(locks.areFresh()).toBe(false);
    locks.startRenewal()("token");
    expect(locks.areFresh()).toBe(true);
  },
);

test("a renewal whose reply arrives after the lock has expired does not make it fresh, nor does a job that arrives as late", async () => {
  const clock = createFakeClock();
  const locks = new JobLocks(clock);
  locks.add("token", 0);
  const recordRenewal = locks.startRenewal();
  await clock.advance(QUEUE_SETTINGS.lockDurationMs);
  recordRenewal("token");
  expect(locks.areFresh()).toBe(false);
  locks.startRenewal()("token");
  locks.add("late", QUEUE_SETTINGS.lockDurationMs);
  expect(locks.areFresh()).toBe(false);
});
