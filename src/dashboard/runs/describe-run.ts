import { basename } from "node:path";
import type { RefusalReason } from "#src/dashboard/http/error-api.ts";
import type { RunManifest } from "#src/producer/runs/run-manifest.ts";
import { decideTransition, type UserTransition } from "#src/state/runs/run-transitions.ts";
import type { MoneyView, RunAction, RunPage, RunPhaseView, RunSummary } from "./run-api.ts";
import type { RunInfo } from "./run-cache.ts";

/** What state a run is in for people. Pure. */
export function getRunPhase({ state, hasCoordinator, published }: RunInfo): RunPhaseView {
  const { end, snapshot } = published ?? {};
  const report = end?.outcome === "finished" ? end.report : undefined;
  if (hasCoordinator) {
    if (state === "paused") return "paused";
    if (state === "cancelled") return "cancelled";
    if (snapshot === undefined || state === undefined) return "planning";
    return snapshot.phase === "done" ? "finishing" : snapshot.phase;
  }
  if (state === "cancelled" || (report?.failuresByKind.cancelled ?? 0) > 0) return "cancelled";
  if (state === "done" || report) return "finished";
  return state === "running" || state === "paused" || end?.outcome === "stopped" ? "stopped" : "unknown";
}

export function isTerminalPhase(phase: RunPhaseView): boolean {
  return phase === "finished" || phase === "cancelled" || phase === "unknown";
}

/** A line of the list. A figure that nobody told is absent. Pure. */
export function describeRun(known: RunInfo): RunSummary {
  const { published, model, host, dir, seenAt } = known;
  const { snapshot } = published ?? {};
  const report = published?.end?.outcome === "finished" ? published.end.report : undefined;
  const kind = report?.kind ?? known.kind;
  const phase = getRunPhase(known);
  const isRunning = known.hasCoordinator;
  const heard = Math.max(seenAt ?? 0, published?.at ?? 0);
  const items = describeItems(known, report);
  const cost = describeCost(known, report);
  return {
    run: known.run,
    ...(kind === undefined ? {} : { kind }),
    ...(model === undefined ? {} : { model }),
    phase,
    createdAt: known.createdAt,
    ...(heard > 0 ? { seenAt: heard } : {}),
    ...(report?.finishedAt === undefined ? {} : { finishedAt: Date.parse(report.finishedAt) }),
    ...(items ? { items } : {}),
    ...(isRunning && snapshot?.itemsPerSecond !== undefined ? { itemsPerSecond: snapshot.itemsPerSecond } : {}),
    ...(isRunning && snapshot?.etaMs !== undefined ? { etaMs: snapshot.etaMs } : {}),
    ...(cost ? { cost } : {}),
    ...(dir === undefined ? {} : { name: basename(dir) }),
    ...(host === undefined ? {} : { host }),
  };
}

function describeItems({ published, hasCoordinator }: RunInfo, report: RunManifest | undefined): RunSummary["items"] {
  if (report) {
    const { total, succeeded, failed } = report.items;
    return { total, succeeded, failed, inFlight: 0 };
  }
  const items = published?.snapshot?.items;
  if (!items) return undefined;
  const { inFlight, ...rest } = items;
  return hasCoordinator ? { ...rest, inFlight } : rest;
}

function describeCost({ published }: RunInfo, report: RunManifest | undefined): MoneyView | undefined {
  if (report?.cost) {
    const { amount, currency } = report.cost;
    return { spent: amount, expected: amount, currency };
  }
  return published?.snapshot?.cost;
}

/** What has to be known of a run's folder to say what can be done. */
export interface FolderState {
  readonly isReadable: boolean;
  readonly reason?: string;
  readonly code?: "folder-on-other-host" | "folder-missing";
  readonly hasWorkFolder: boolean;
  readonly isSearchable: boolean;
}

/** Why an action is not offered; without a message it goes without saying. */
type Refusal = { readonly message: string; readonly code: RefusalReason };
const WITHOUT_REASON = "silent";

/** Which actions make sense now, and why others do not. Pure. */
export function listRunActions(
  known: RunInfo,
  folder: FolderState,
  failed: number | undefined,
): Required<Pick<RunPage, "actions" | "refusals" | "refusalCodes">> {
  const { state, hasCoordinator } = known;
  const actions: RunAction[] = [];
  const refusals: Partial<Record<RunAction, string>> = {};
  const refusalCodes: Partial<Record<RunAction, RefusalReason>> = {};
  const offer = (action: RunAction, why: Refusal | typeof WITHOUT_REASON | undefined) => {
    if (why === undefined) actions.push(action);
    else if (why !== WITHOUT_REASON) {
      refusals[action] = why.message;
      refusalCodes[action] = why.code;
    }
  };
  const isLive = state === "running" || state === "paused";
  const noCoordinator = hasCoordinator ? undefined : NO_COORDINATOR;
  for (const action of ["pause", "resume", "cancel"] as const) offer(action, refuseTransition(action, known));
  offer("window", isLive ? noCoordinator : WITHOUT_REASON);
  const folderRefusal = folder.isReadable ? undefined : refuseFolder(folder);
  offer("items", folderRefusal);
  offer("retry", refuseRetry(known, folderRefusal, folder.hasWorkFolder, failed));
  const isFinished = getRunPhase(known) === "finished";
  offer("search", isFinished ? (folderRefusal ?? (folder.isSearchable ? undefined : WITHOUT_REASON)) : WITHOUT_REASON);
  return { actions, refusals, refusalCodes };
}

/** Only a missing coordinator is worth a reason: the run's state itself shows why there is nothing to resume. */
function refuseTransition(action: UserTransition, { state, hasCoordinator }: RunInfo) {
  if (decideTransition(action, { state, hasCoordinator: true }).outcome !== "change") return WITHOUT_REASON;
  return decideTransition(action, { state, hasCoordinator }).outcome === "refused" ? NO_COORDINATOR : undefined;
}

const NO_COORDINATOR: Refusal = {
  message: "No process feeds and collects this run; its command, run again, goes on.",
  code: "no-coordinator",
};

function refuseFolder({ reason, code = "folder-on-other-host" }: FolderState): Refusal {
  return { message: reason ?? "The run's folder is not on this machine.", code };
}

function refuseRetry(
  { hasCoordinator }: RunInfo,
  folderRefusal: Refusal | undefined,
  hasWorkFolder: boolean,
  failed: number | undefined,
): Refusal | typeof WITHOUT_REASON | undefined {
  if (hasCoordinator) {
    const message = "The run is at work; its failures can be retried when it has ended.";
    return { message, code: "already-running" };
  }
  if (failed === 0) return WITHOUT_REASON;
  if (folderRefusal || hasWorkFolder) return folderRefusal;
  return {
    message: "The run's working folder is gone, and with it what a retry needs.",
    code: "work-folder-missing",
  };
}
