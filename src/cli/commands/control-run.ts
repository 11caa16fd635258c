import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { createUnknownRunError, findRunId } from "#src/cli/wiring/find-run.ts";
import { openConfig } from "#src/cli/wiring/open-config.ts";
import { openConfiguredRedis } from "#src/cli/wiring/open-redis.ts";
import { RunError } from "#src/core/errors.ts";
import { createKeys } from "#src/redis/keys.ts";
import { RunControl } from "#src/state/runs/run-control.ts";
import type { RunState } from "#src/state/runs/run-ledger.ts";

export type RunAction = "pause" | "resume" | "cancel";

export interface ControlCommandOptions {
  readonly json: boolean;
  readonly config?: string;
}

const CHANGES: Readonly<Record<RunAction, { readonly to: RunState; readonly from: readonly RunState[] }>> = {
  pause: { to: "paused", from: ["running"] },
  resume: { to: "running", from: ["paused"] },
  cancel: { to: "cancelled", from: ["running", "paused"] },
};

/** `sluice pause|resume|cancel`: says once in Redis what workers and coordinator then do by themselves. */
export async function controlRun(
  action: RunAction,
  requested: string,
  options: ControlCommandOptions,
): Promise<number> {
  const run = await findRunId(requested);
  const config = openConfig(options.config);
  const redis = await openConfiguredRedis(config);
  try {
    const control = new RunControl(redis.source.connect("commands"), createKeys(config.namespace), run);
    const coordinated = (await control.coordinator()) !== undefined;
    // Without a coordinator a run that is "running" would only keep workers busy with what is left in the queues.
    if (action === "resume" && !coordinated) throw await createNotCoordinatedError(control, run);
    const { to, from } = CHANGES[action];
    const before = await control.changeState(to, from);
    if (before === undefined) throw createUnknownRunError(requested);
    const hasChanged = from.includes(before);
    if (!hasChanged && before !== to) throw createRefusalError(action, run, before);
    if (options.json) process.stdout.write(`${JSON.stringify({ run, before, state: to, coordinated })}\n`);
    else process.stdout.write(`${run}: ${composeSentence(action, hasChanged, coordinated)}\n`);
    return EXIT_CODES.ok;
  } finally {
    await redis.close();
  }
}

async function createNotCoordinatedError(control: RunControl, run: string): Promise<RunError> {
  const state = await control.state();
  if (state === undefined) return createUnknownRunError(run);
  if (state === "done") return createRefusalError("resume", run, state);
  if (state === "cancelled") return createRefusalError("resume", run, state);
  return new RunError(
    `${run} is stopped: no process feeds and collects it at this moment`,
    'run its command again, it goes on where it stopped; "sluice runs" tells its folder',
  );
}

function createRefusalError(action: RunAction, run: string, state: RunState): RunError {
  if (state === "done") return new RunError(`${run} is finished: there is nothing to ${action}`);
  return new RunError(
    `${run} is ${state} and cannot be ${action === "resume" ? "resumed" : `${action}d`}`,
    state === "cancelled" ? '"sluice retry" takes up the items of a cancelled run again' : undefined,
  );
}

function composeSentence(action: RunAction, hasChanged: boolean, coordinated: boolean): string {
  if (action === "pause") {
    if (!hasChanged) return coordinated ? "was paused already" : "was stopped already";
    return 'paused: calls in flight end, nothing new is started; "sluice resume" goes on';
  }
  if (action === "resume") return hasChanged ? "goes on" : "was not paused";
  if (!hasChanged) return "was cancelled already";
  return coordinated
    ? "cancelled: calls in flight end, then the output is written; items without a record become errors"
    : "cancelled: nobody works on it now; when its command is run again, it writes the output without further calls";
}
