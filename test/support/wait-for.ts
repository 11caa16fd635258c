import { TestRunner } from "vitest";

/** Epoch ms, also in tests that replace the clock. */
const now = () => performance.timeOrigin + performance.now();

/** In hooks that belong to no test, and after a test has used up its time; less than the time limit of hooks. */
const HOOK_WAIT_MS = 110_000;
/** How long before the runner's time limit a wait ends, so that its message is reported instead of the runner's. */
const RESERVE_MS = 5_000;

/**
 * How long a test may wait, in ms: until shortly before the runner's time limit, which is the only one. A shorter limit
 * would fail on a busy machine.
 */
export function remainingTestMs(): number {
  const test = TestRunner.getCurrentTest();
  const startTime = test?.result?.startTime;
  if (test === undefined || startTime === undefined) return HOOK_WAIT_MS;
  // Every retry gets the whole time.
  const last = test.result?.attempts?.at(-1);
  const attemptStart = last ? last.startTime + last.duration : startTime;
  const remaining = attemptStart + test.timeout - RESERVE_MS - now();
  return remaining > 0 ? remaining : HOOK_WAIT_MS;
}

/**
 * Polls `probe` until it returns a truthy value, and resolves with it. Rejects with an error that names `what`, by default
 * the code of the probe.
 */
export async function waitFor<T>(
  probe: () => T | Promise<T>,
  { what = String(probe), timeoutMs = remainingTestMs(), intervalMs = 20 } = {},
): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value) return value as NonNullable<T>;
    if (performance.now() > deadline) throw new Error(`waited ${Math.round(timeoutMs)} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
}
