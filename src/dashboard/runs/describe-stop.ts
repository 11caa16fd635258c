import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
import { STOP_MESSAGES } from "#src/dashboard/messages.ts";
import type { RunPage } from "./run-api.ts";
import type { RunInfo } from "./run-cache.ts";
import type { FolderLookup } from "./run-folder.ts";
import { getRunPhase } from "./summarize-run.ts";

/** Why a run without a coordinator stands still, and the command that resumes it on the host of its folder. Pure. */
export function describeStop(known: RunInfo, found: FolderLookup): Pick<RunPage, "stopped" | "outputPending"> {
  const { dir, startedWith } = known;
  const command = dir === undefined || startedWith === undefined ? undefined : SUGGESTED_COMMANDS.resume(dir);
  if (isOutputPending(known, found)) return { outputPending: { command } };
  if (getRunPhase(known) !== "stopped") return {};
  const end = known.published?.end;
  if (end?.outcome !== "stopped") {
    return { stopped: { code: "killed", message: STOP_MESSAGES.killed, hint: STOP_MESSAGES.hint, command } };
  }
  const { message, hint = STOP_MESSAGES.hint, reason } = end;
  const code = reason === "interrupted" || reason === "parked" || reason === "budget" ? reason : "reported";
  return { stopped: { code, message, hint, command } };
}

/** Whether a cancelled run has no coordinator that completes its records and writes its output. Pure. */
function isOutputPending({ state, hasCoordinator }: RunInfo, found: FolderLookup): boolean {
  return state === "cancelled" && !hasCoordinator && !(found.isReadable && found.folder.manifest.state === "finished");
}
