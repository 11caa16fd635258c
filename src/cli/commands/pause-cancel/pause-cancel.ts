import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { createUnknownRunError, findRunId } from "#src/cli/wiring/find-run.ts";
import { openConfiguredRedis } from "#src/cli/wiring/open-redis.ts";
import { loadConfig } from "#src/config/config.ts";
import { RunError } from "#src/core/failures/errors.ts";
import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
import { mayHolderLive } from "#src/producer/runs/lease.ts";
import { createKeys } from "#src/redis/keys.ts";
import { RunControl } from "#src/state/runs/run-control.ts";
import type { pauseCommand } from "./definition.ts";

type Action = "pause" | "cancel";

/** `sluice pause|cancel`: changes the state of a run in Redis, which its workers and its coordinator obey. */
export async function controlRun(
  action: Action,
  requested: string,
  options: OptionValues<typeof pauseCommand>,
): Promise<number> {
  const config = loadConfig({ file: options.config });
  const redis = await openConfiguredRedis(config);
  try {
    const client = redis.source.connect("commands");
    const keys = createKeys(config.namespace);
    const run = await findRunId(client, keys, requested);
    const control = new RunControl(client, keys, run);
    const { decision, before, hasCoordinator } = await control.requestTransition(action, mayHolderLive);
    if (decision.outcome === "refused") {
      if (decision.code === "forgotten") throw createUnknownRunError(requested);
      throw new RunError(decision.message, decision.hint);
    }
    const { state, outcome } = decision;
    const message = outcome === "change" ? describeChange(action, requested, hasCoordinator) : `was ${state} already`;
    process.stdout.write(
      options.json
        ? `${JSON.stringify({ run, before, state, coordinated: hasCoordinator })}\n`
        : `${run}: ${message}\n`,
    );
    return EXIT_CODES.ok;
  } finally {
    await redis.close();
  }
}

function describeChange(action: Action, requested: string, hasCoordinator: boolean): string {
  const resume = SUGGESTED_COMMANDS.resume(requested);
  if (action === "pause") return `paused: calls in flight finish, no new calls start; "${resume}" resumes it`;
  return hasCoordinator
    ? "cancelled: calls in flight finish, then the output is written; items without a record become errors"
    : `cancelled: no process coordinates it, so no output is written yet; "${resume}" writes it without further calls`;
}
