import type { LaneLimits } from "#src/core/lane.ts";

/** Share of the items in Redis that are waiting to be collected while the others are in calls. */
const IN_TRANSIT_FACTOR = 1.1;

/**
 * The default number of items of a run in Redis: as many as its lanes can spend at once, if that is between one and two
 * times `defaultSize`. Items that are not yet fed when a provider's window opens are called late in every later window.
 */
export function chooseWindowSize(
  lanes: readonly { readonly limits: LaneLimits }[],
  inputsPerCall: number,
  defaultSize: number,
): number {
  let calls = 0;
  for (const { limits } of lanes) {
    // With a limit per second, the limit of a minute cannot be spent at once.
    if (limits.pacing !== "even" && limits.requestsPerSecond === undefined) calls += limits.requestsPerMinute ?? 0;
  }
  const burstItems = Math.round(calls * inputsPerCall * IN_TRANSIT_FACTOR);
  return burstItems > defaultSize && burstItems <= 2 * defaultSize ? burstItems : defaultSize;
}
