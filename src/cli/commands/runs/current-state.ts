import type { RunManifest } from "#src/producer/runs/run-manifest.ts";

/**
 * The state of a run for lists. The coordinator writes `run.json` without pauses and cancellations, which only Redis
 * knows; Redis knows nothing of the other states.
 */
export function currentState(
  manifestState: RunManifest["state"] | undefined,
  stateInRedis: string | undefined,
): string | undefined {
  const isChangedInRedis = stateInRedis === "paused" || stateInRedis === "cancelled";
  return manifestState === "running" && isChangedInRedis ? stateInRedis : (manifestState ?? stateInRedis);
}
