import type { LaneLimits } from "#src/core/lane.ts";

/** Allows for items that are being committed while others are being called. */
const IN_TRANSIT_FACTOR = 1.1;

/**
 * The default number of items of a run in Redis: as many as its lanes may send in one burst, if that is at most twice the
 * usual size. Items that are not in Redis when a provider's window opens are sent late, also in every later window.
 */
export function windowSize(limits: readonly LaneLimits[], inputsPerCall: number, defaultSize: number): number {
  let calls = 0;
  for (const { requestsPerMinute = 0, pacing } of limits) if (pacing !== "even") calls += requestsPerMinute;
  const burstItems = Math.round(calls * inputsPerCall * IN_TRANSIT_FACTOR);
  return burstItems > defaultSize && burstItems <= 2 * defaultSize ? burstItems : defaultSize;
}
