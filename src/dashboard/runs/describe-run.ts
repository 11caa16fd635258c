import { basename } from "node:path";
import type { RunManifest } from "../../producer/run/run-manifest.ts";
import type { MoneyView, Reason, RunAction, RunPage, RunPhaseView, RunSummary } from "../contract.ts";
import type { KnownRun } from "./run-book.ts";

/** What state a run is in for people. Pure. */
export function phaseOf({ state, coordinated, published }: KnownRun): RunPhaseView {
  const { end, snapshot } = published ?? {};
  const report = end?.outcome === "finished" ? end.report : undefined;
  if (coordinated) {
    if (state === "paused") return "paused";
    if (state === "cancelled") return "cancelled";
    if (snapshot === undefined || state === undefined) return "planning";
    return snapshot.phase === "done" ? "finishing" : snapshot.phase;
  }
  if (state === "cancelled" || (report?.failuresByKind.cancelled ?? 0) > 0) return "cancelled";
  if (state === "done" || report) return "finished";
  return state === "running" || state === "paused" || end?.outcome === "stopped" ? "stopped" : "unknown";
}

export function isAtEnd(phase: RunPhaseView): boolean {
  return phase === "finished" || phase === "cancelled" || phase === "unknown";
}

/** A line of the list. A figure that nobody told is absent. Pure. */
export function describeRun(known: KnownRun): RunSummary {
  const { published, model, host, dir, seenAt } = known;
  const { snapshot } = published ?? {};
  const report = published?.end?.outcome === "finished" ? published.end.report : undefined;
  const kind = report?.kind ?? known.kind;
  const phase = phaseOf(known);
  const isRunning = known.coordinated;
  const heard = Math.max(seenAt ?? 0, published?.at ?? 0);
  const items = itemsOf(known, report);
  const cost = costOf(known, report);
  return {
    run: known.run,
    ...(kind === undefined ? {} : { kind }),
    ...(model === undefined ? {} : { model }),
    phase,
    createdAt: known.createdAt,
    ...(heard > 0 ? { seenAt: heard } : {}),
    ...(report?.finishedAt === undefined ? {} : { finishedAt: Date.parse(report.finishedAt) }),
    ...(items ? { items } : {}),
    ...(isRunning && snapshot?.itemsPerSecond !== undefined
      ? { itemsPerSecond: snapshot.itemsPerSecond }
      : {}),
    ...(isRunning && snapshot?.etaMs !== undefined ? { etaMs: snapshot.etaMs } : {}),
    ...(cost ? { cost } : {}),
    ...(dir === undefined ? {} : { name: basename(dir) }),
    ...(host === undefined ? {} : { host }),
  };
}

function itemsOf({ published, coordinated }: KnownRun, report: RunManifest | undefined): RunSummary["items"] {
  if (report) {
    const { total, succeeded, failed } = report.items;
    return { total, succeeded, failed, inFlight: 0 };
  }
  const items = published?.snapshot?.items;
  if (!items) return undefined;
  const { inFlight, ...rest } = items;
  return coordinated ? { ...rest, inFlight } : rest;
}

function costOf({ published }: KnownRun, report: RunManifest | undefined): MoneyView | undefined {
  if (report?.cost) {
    const { amount, currency } = report.cost;
    return { spent: amount, expected: amount, currency };
  }
  return published?.snapshot?.cost;
}

/** What has to be known of a run's folder to say what can be done. */
export interface FolderState {
  readonly here: boolean;
  readonly reason?: string;
  readonly code?: "folder-elsewhere" | "folder-gone";
  readonly hasWork: boolean;
  readonly searchable: boolean;
}

/** Why an action is not offered; without a message it goes without saying. */
type Refusal = { readonly message: string; readonly code: Reason };
const SILENT = "silent";

/** Which actions make sense now, and why others do not. Pure. */
export function actionsOf(
  known: KnownRun,
  folder: FolderState,
  failed: number | undefined,
): Required<Pick<RunPage, "actions" | "refusals" | "refusalCodes">> {
  const { state, coordinated } = known;
  const actions: RunAction[] = [];
  const refusals: Partial<Record<RunAction, string>> = {};
  const refusalCodes: Partial<Record<RunAction, Reason>> = {};
  const offer = (action: RunAction, why: Refusal | typeof SILENT | undefined) => {
    if (why === undefined) actions.push(action);
    else if (why !== SILENT) {
      refusals[action] = why.message;
      refusalCodes[action] = why.code;
    }
  };
  const isLive = state === "running" || state === "paused";
  const alone = coordinated ? undefined : NO_COORDINATOR;
  // Without a coordinator, "paused" would only hold up whoever runs its command again.
  offer("pause", state === "running" ? alone : SILENT);
  offer("resume", state === "paused" ? alone : SILENT);
  offer("cancel", isLive ? undefined : SILENT);
  offer("window", isLive ? alone : SILENT);
  const elsewhere = folder.here ? undefined : refuseFolder(folder);
  offer("items", elsewhere);
  offer("retry", refuseRetry(known, elsewhere, folder.hasWork, failed));
  const isFinished = phaseOf(known) === "finished";
  offer("search", isFinished ? (elsewhere ?? (folder.searchable ? undefined : SILENT)) : SILENT);
  return { actions, refusals, refusalCodes };
}

const NO_COORDINATOR: Refusal = {
  message: "No process feeds and collects this run; its command, run again, goes on.",
  code: "no-coordinator",
};

function refuseFolder({ reason, code = "folder-elsewhere" }: FolderState): Refusal {
  return { message: reason ?? "The run's folder is not on this machine.", code };
}

function refuseRetry(
  { coordinated }: KnownRun,
  elsewhere: Refusal | undefined,
  hasWork: boolean,
  failed: number | undefined,
): Refusal | typeof SILENT | undefined {
  if (coordinated) {
    const message = "The run is at work; its failures can be retried when it has ended.";
    return { message, code: "at-work" };
  }
  if (failed === 0) return SILENT;
  if (elsewhere || hasWork) return elsewhere;
  return {
    message: "The run's working folder is gone, and with it what a retry needs.",
    code: "work-gone",
  };
}
