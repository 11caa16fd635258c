import { basename } from "node:path";
import type { RunManifest } from "../../producer/run/run-manifest.ts";
import type { MoneyView, RunAction, RunPhaseView, RunSummary } from "../contract.ts";
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

/** Which actions make sense now, and why others do not. Pure. */
export function actionsOf(
  known: KnownRun,
  folder: {
    readonly here: boolean;
    readonly reason?: string;
    readonly hasWork: boolean;
    readonly searchable: boolean;
  },
  failed: number | undefined,
): { readonly actions: RunAction[]; readonly refusals: Partial<Record<RunAction, string>> } {
  const phase = phaseOf(known);
  const actions: RunAction[] = [];
  const refusals: Partial<Record<RunAction, string>> = {};
  const offer = (action: RunAction, why: string | undefined) => {
    if (why === undefined) actions.push(action);
    else if (why !== "") refusals[action] = why;
  };
  const isLive = known.state === "running" || known.state === "paused";
  offer("pause", known.state === "running" ? undefined : "");
  offer(
    "resume",
    known.state !== "paused"
      ? ""
      : known.coordinated
        ? undefined
        : "No process feeds and collects this run; its command, run again, goes on.",
  );
  offer("cancel", isLive ? undefined : "");
  offer(
    "window",
    known.coordinated && isLive ? undefined : isLive ? "No process feeds this run at this moment." : "",
  );
  const elsewhere = folder.here ? undefined : (folder.reason ?? "The run's folder is not on this machine.");
  offer("items", elsewhere);
  offer("retry", retryRefusal(known, elsewhere, folder.hasWork, failed));
  offer("search", phase === "finished" ? (elsewhere ?? (folder.searchable ? undefined : "")) : "");
  return { actions, refusals };
}

function retryRefusal(
  known: KnownRun,
  elsewhere: string | undefined,
  hasWork: boolean,
  failed: number | undefined,
): string | undefined {
  if (known.coordinated) return "The run is at work; its failures can be retried when it has ended.";
  if (failed === 0) return "";
  return (
    elsewhere ?? (hasWork ? undefined : "The run's working folder is gone, and with it what a retry needs.")
  );
}
