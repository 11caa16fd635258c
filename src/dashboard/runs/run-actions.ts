import { HttpError } from "#src/dashboard/http/http-error.ts";
import { ACTION_RESULTS, ERRORS } from "#src/dashboard/messages.ts";
import { mayHolderLive } from "#src/producer/runs/lease.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { RunControl } from "#src/state/runs/run-control.ts";
import type { UserTransition } from "#src/state/runs/run-transitions.ts";
import type { RunActionResult } from "./run-api.ts";
import type { RunInfo } from "./run-cache.ts";
import { getRunPhase } from "./summarize-run.ts";

/** Changes the state of a run in Redis, which workers and the coordinator obey. Throws an HttpError if that is refused. */
export async function changeRunState(
  action: UserTransition,
  known: RunInfo,
  { client, keys }: { readonly client: RedisClient; readonly keys: Keys },
): Promise<RunActionResult> {
  const { run } = known;
  const { decision, hasCoordinator } = await new RunControl(client, keys, run).requestTransition(action, mayHolderLive);
  if (decision.outcome === "refused") throw new HttpError(ERRORS.transitionRefused(decision));
  const changed = decision.outcome === "change";
  const outputPending = action === "cancel" && !hasCoordinator;
  const message = changed ? ACTION_RESULTS[action] : ACTION_RESULTS.unchanged;
  return {
    run,
    changed,
    phase: getRunPhase({ ...known, hasCoordinator, state: decision.state }),
    outputPending: outputPending ? true : undefined,
    message: outputPending ? ACTION_RESULTS.cancelWithoutCoordinator : message,
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
    throw new HttpError(ERRORS.noCoordinatorForWindow);
  }
  await control.updateMeta({ window: items });
  return {
    run: known.run,
    changed: known.window !== items,
    phase: getRunPhase(known),
    message: ACTION_RESULTS.window,
  };
}
