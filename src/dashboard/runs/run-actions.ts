import type { RefusalReason } from "#src/dashboard/http/error-api.ts";
import { HttpError } from "#src/dashboard/http/http-error.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { RunControl } from "#src/state/runs/run-control.ts";
import type { RunState } from "#src/state/runs/run-ledger.ts";
import { getRunPhase } from "./describe-run.ts";
import type { RunActionResult } from "./run-api.ts";
import type { RunInfo } from "./run-cache.ts";

export type StateAction = "pause" | "resume" | "cancel";

const TRANSITIONS: Readonly<
  Record<
    StateAction,
    {
      readonly to: RunState;
      readonly from: readonly RunState[];
      readonly done: string;
      readonly never: RefusalReason;
    }
  >
> = {
  pause: {
    to: "paused",
    from: ["running"],
    done: "Paused: calls in flight end, nothing new is started.",
    never: "nothing-to-pause",
  },
  resume: { to: "running", from: ["paused"], done: "The run goes on.", never: "nothing-to-resume" },
  cancel: {
    to: "cancelled",
    from: ["running", "paused"],
    done: "Cancelled: calls in flight end, then the output is written; items without a record become errors.",
    never: "nothing-to-cancel",
  },
};

const OUTPUT_PENDING =
  "Cancelled: no process is there to write the output. The run's command, run again, makes errors of the items without a record and writes it.";

/** Says once in Redis what workers and coordinator then do by themselves. Throws an HttpError for a wrong state. */
export async function changeRunState(
  action: StateAction,
  known: RunInfo,
  { client, keys }: { readonly client: RedisClient; readonly keys: Keys },
): Promise<RunActionResult> {
  const { run } = known;
  const control = new RunControl(client, keys, run);
  const { to, from, done, never } = TRANSITIONS[action];
  const hasCoordinator = (await control.coordinator()) !== undefined;
  // Without a coordinator a run that is "running" would only keep workers busy with what is left in the queues, and one
  // that is "paused" would wait for somebody to resume it who cannot.
  if (action !== "cancel" && !hasCoordinator) {
    throw new HttpError("wrong-state", "No process feeds and collects this run at this moment.", {
      hint: "Run its command again: it goes on where it stopped.",
      reason: "no-coordinator",
    });
  }
  const before = await control.changeState(to, from);
  if (before === undefined) {
    throw new HttpError("wrong-state", "Redis has forgotten this run.", { reason: "forgotten" });
  }
  const changed = from.includes(before);
  if (!changed && before !== to) {
    const state = before === "done" ? "finished" : before;
    const message = `The run is ${state}; there is nothing to ${action}.`;
    throw new HttpError("wrong-state", message, { reason: never });
  }
  const outputPending = action === "cancel" && !hasCoordinator;
  return {
    run,
    changed,
    phase: getRunPhase({ ...known, hasCoordinator, state: to }),
    outputPending: outputPending ? outputPending : undefined,
    message: outputPending ? OUTPUT_PENDING : changed ? done : "It was so already.",
  };
}

/** Asks the run's coordinator to keep another number of items in Redis; it hears within seconds. */
export async function setWindow(
  known: RunInfo,
  items: number,
  { client, keys }: { readonly client: RedisClient; readonly keys: Keys },
): Promise<RunActionResult> {
  const control = new RunControl(client, keys, known.run);
  if ((await control.coordinator()) === undefined || (await control.state()) === undefined) {
    throw new HttpError("wrong-state", "No process feeds this run at this moment.", {
      hint: "Give the window to its command with --window.",
      reason: "no-coordinator",
    });
  }
  await control.updateMeta({ window: items });
  return {
    run: known.run,
    changed: known.window !== items,
    phase: getRunPhase(known),
    message: "The run's coordinator takes the new window within seconds.",
  };
}
