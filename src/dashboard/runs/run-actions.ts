import { HttpError } from "#src/dashboard/http/http-error.ts";
import { mayHolderLive } from "#src/producer/runs/lease.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { RunControl } from "#src/state/runs/run-control.ts";
import type { UserTransition } from "#src/state/runs/run-transitions.ts";
import { getRunPhase } from "./describe-run.ts";
import type { RunActionResult } from "./run-api.ts";
import type { RunInfo } from "./run-cache.ts";

const MESSAGES: Readonly<Record<UserTransition, string>> = {
  pause: "Paused: calls in flight finish, no new calls start.",
  resume: "The run was resumed.",
  cancel: "Cancelled: calls in flight finish, then the output is written. Items without a record become errors.",
};
const UNCHANGED = "The run is already in that state.";
const OUTPUT_PENDING =
  "Cancelled. No process coordinates this run, so no output is written yet. To write it, run the run's command again: " +
  "items without a record become errors.";

/** Changes the state of a run in Redis, which workers and the coordinator obey. Throws an HttpError if that is refused. */
export async function changeRunState(
  action: UserTransition,
  known: RunInfo,
  { client, keys }: { readonly client: RedisClient; readonly keys: Keys },
): Promise<RunActionResult> {
  const { run } = known;
  const { decision, hasCoordinator } = await new RunControl(client, keys, run).requestTransition(action, mayHolderLive);
  if (decision.outcome === "refused") {
    const { code, message, hint } = decision;
    throw new HttpError("wrong-state", message, { reason: code, hint });
  }
  const isChanged = decision.outcome === "change";
  const outputPending = action === "cancel" && !hasCoordinator;
  return {
    run,
    changed: isChanged,
    phase: getRunPhase({ ...known, hasCoordinator, state: decision.state }),
    outputPending: outputPending ? outputPending : undefined,
    message: outputPending ? OUTPUT_PENDING : isChanged ? MESSAGES[action] : UNCHANGED,
  };
}

/** Changes a run's window (the number of its items in Redis); its coordinator applies that within seconds. */
export async function setWindow(
  known: RunInfo,
  items: number,
  { client, keys }: { readonly client: RedisClient; readonly keys: Keys },
): Promise<RunActionResult> {
  const control = new RunControl(client, keys, known.run);
  if ((await control.coordinator()) === undefined || (await control.state()) === undefined) {
    throw new HttpError("wrong-state", "The run is stopped: no process coordinates it.", {
      hint: "Run its command again with --window.",
      reason: "no-coordinator",
    });
  }
  await control.updateMeta({ window: items });
  return {
    run: known.run,
    changed: known.window !== items,
    phase: getRunPhase(known),
    message: "The run's coordinator applies the new window within seconds.",
  };
}
