import type { RefusalReason } from "#src/dashboard/http/error-api.ts";
import { type ListedReason, REFUSALS } from "#src/dashboard/messages.ts";
import { decideTransition, type UserTransition } from "#src/state/runs/run-transitions.ts";
import type { RunAction, RunPage } from "./run-api.ts";
import type { RunInfo } from "./run-cache.ts";
import type { FolderRefusal } from "./run-folder.ts";
import { getRunPhase } from "./summarize-run.ts";

/** What the available actions depend on besides the run's state. */
export interface RunFolderState {
  /** Undefined when the folder is readable. */
  readonly refusal: FolderRefusal | undefined;
  readonly hasWorkFolder: boolean;
  readonly isSearchable: boolean;
}

/** Whether an action is available: "yes"; "hidden", which needs no explanation; or the reason why not. */
type Availability = "yes" | "hidden" | ListedReason | FolderRefusal;

/** Which actions a run's state allows, and why it does not allow others. Pure. */
export function listRunActions(
  known: RunInfo,
  folder: RunFolderState,
  failedItems: number | undefined,
): Required<Pick<RunPage, "actions" | "refusals" | "refusalCodes">> {
  const { state, hasCoordinator } = known;
  const ifCoordinated: Availability = hasCoordinator ? "yes" : "no-coordinator";
  const ifReadable: Availability = folder.refusal ?? "yes";
  const ifSearchable: Availability = folder.refusal ?? (folder.isSearchable ? "yes" : "hidden");
  const availability: Readonly<Record<RunAction, Availability>> = {
    pause: checkTransition("pause", known),
    resume: checkResume(known, folder),
    cancel: checkTransition("cancel", known),
    window: state === "running" || state === "paused" ? ifCoordinated : "hidden",
    items: ifReadable,
    retry: checkRetry(known, folder, failedItems),
    // A coordinator takes a new name over into the folder.
    rename: hasCoordinator ? "yes" : ifReadable,
    delete: hasCoordinator ? "run-in-use" : "yes",
    search: getRunPhase(known) === "finished" ? ifSearchable : "hidden",
  };
  const actions: RunAction[] = [];
  const refusals: Partial<Record<RunAction, string>> = {};
  const refusalCodes: Partial<Record<RunAction, RefusalReason>> = {};
  for (const [action, value] of Object.entries(availability) as [RunAction, Availability][]) {
    if (value === "yes") actions.push(action);
    else if (value !== "hidden") {
      const { reason, message } =
        typeof value === "string" ? { reason: value, message: REFUSALS[value].message } : value;
      refusals[action] = message;
      refusalCodes[action] = reason;
    }
  }
  return { actions, refusals, refusalCodes };
}

/** Only a missing coordinator needs an explanation: why there is nothing to resume follows from the run's state. */
function checkTransition(action: UserTransition, { state, hasCoordinator }: RunInfo): Availability {
  if (decideTransition(action, { state, hasCoordinator: true }).outcome !== "change") return "hidden";
  return decideTransition(action, { state, hasCoordinator }).outcome === "refused" ? "no-coordinator" : "yes";
}

/** A run without a coordinator is resumed by running its command, which needs its folder. */
function checkResume(known: RunInfo, { refusal, hasWorkFolder }: RunFolderState): Availability {
  if (known.hasCoordinator) return checkTransition("resume", known);
  const phase = getRunPhase(known);
  const isUnfinished = phase === "stopped" || (phase === "cancelled" && hasWorkFolder && known.state === "cancelled");
  if (!isUnfinished) return "hidden";
  if (refusal !== undefined || !hasWorkFolder) return refusal ?? "work-folder-missing";
  return known.startedWith ? "yes" : "command-unknown";
}

function checkRetry(
  { hasCoordinator }: RunInfo,
  { refusal, hasWorkFolder }: RunFolderState,
  failedItems: number | undefined,
): Availability {
  if (hasCoordinator) return "already-running";
  if (failedItems === 0) return "hidden";
  return refusal ?? (hasWorkFolder ? "yes" : "work-folder-missing");
}
