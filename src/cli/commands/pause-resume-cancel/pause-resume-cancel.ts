import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { createUnknownRunError, findRunId } from "#src/cli/wiring/find-run.ts";
import { openConfiguredRedis } from "#src/cli/wiring/open-redis.ts";
import { loadConfig } from "#src/config/config.ts";
import { RunError } from "#src/core/failures/errors.ts";
import { mayHolderLive } from "#src/producer/runs/lease.ts";
import { createKeys } from "#src/redis/keys.ts";
import { RunControl } from "#src/state/runs/run-control.ts";
import type { UserTransition } from "#src/state/runs/run-transitions.ts";
import type { pauseCommand } from "./definition.ts";

const MESSAGES: Readonly<Record<UserTransition, { readonly changed: string; readonly unchanged: string }>> = {
  pause: {
    changed: 'paused: calls in flight finish, no new calls start; "sluice resume" resumes it',
    unchanged: "was paused already",
  },
  resume: { changed: "resumed", unchanged: "was not paused" },
  cancel: {
    changed: "cancelled: calls in flight finish, then the output is written; items without a record become errors",
    unchanged: "was cancelled already",
  },
};
const CANCELLED_WITHOUT_COORDINATOR =
  "cancelled: no process coordinates it, so no output is written yet; to write it without further calls, run its command again";

/** `sluice pause|resume|cancel`: changes the state of a run in Redis, which its workers and its coordinator obey. */
export async function controlRun(
  action: UserTransition,
  requested: string,
  options: OptionValues<typeof pauseCommand>,
): Promise<number> {
  const run = await findRunId(requested);
  const config = loadConfig({ file: options.config });
  const redis = await openConfiguredRedis(config);
  try {
    const control = new RunControl(redis.source.connect("commands"), createKeys(config.namespace), run);
    const { decision, before, hasCoordinator } = await control.requestTransition(action, mayHolderLive);
    if (decision.outcome === "refused") {
      if (decision.code === "forgotten") throw createUnknownRunError(requested);
      throw new RunError(decision.message, decision.hint);
    }
    const { state } = decision;
    const isChanged = decision.outcome === "change";
    const message =
      action === "cancel" && isChanged && !hasCoordinator
        ? CANCELLED_WITHOUT_COORDINATOR
        : MESSAGES[action][isChanged ? "changed" : "unchanged"];
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
