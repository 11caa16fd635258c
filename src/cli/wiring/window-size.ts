import type { LaneLimits } from "#src/core/lane.ts";

/** Items that are on their way to their record while others are called. */
const IN_TRANSIT_FACTOR = 1.1;

/**
 * How many items a run keeps in Redis when nobody says: as many as its lanes may spend at once, where that is no more
 * than twice the usual. What is not fed yet when a provider's window opens is called late, and so in every later one.
 */
export function windowSize(limits: readonly LaneLimits[], inputsPerCall: number, defaultSize: number): number {
  let calls = 0;
  for (const { requestsPerMinute = 0, pacing } of limits) if (pacing !== "even") calls += requestsPerMinute;
  const burstItems = Math.round(calls * inputsPerCall * IN_TRANSIT_FACTOR);
  return burstItems > defaultSize && burstItems <= 2 * defaultSize ? burstItems : defaultSize;
}
