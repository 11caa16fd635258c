import { basename } from "node:path";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { RunManifest } from "#src/producer/runs/run-manifest.ts";
import type { MoneyView, RunPhaseView, RunSummary } from "./run-api.ts";
import type { RunInfo } from "./run-cache.ts";

/** The state of a run, as pages show it. Pure. */
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

/** A run in the list. Unknown values are absent. Pure. */
export function summarizeRun(known: RunInfo): RunSummary {
  const { run, createdAt, published, model, host, dir, seenAt, hasCoordinator } = known;
  const report = published?.end?.outcome === "finished" ? published.end.report : undefined;
  const { itemsPerSecond, etaMs } = (hasCoordinator ? published?.snapshot : undefined) ?? {};
  const lastSeenAt = Math.max(seenAt ?? 0, published?.at ?? 0);
  return omitUndefined({
    run,
    kind: report?.kind ?? known.kind,
    model,
    phase: getRunPhase(known),
    createdAt,
    seenAt: lastSeenAt > 0 ? lastSeenAt : undefined,
    finishedAt: report?.finishedAt === undefined ? undefined : Date.parse(report.finishedAt),
    items: describeItems(known, report),
    itemsPerSecond,
    etaMs,
    cost: describeCost(known, report),
    name: known.name ?? (dir === undefined ? undefined : basename(dir)),
    note: known.note,
    host,
  });
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
