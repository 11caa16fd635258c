import { parseLane } from "#src/core/lane.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { LaneView } from "#src/dashboard/overview/lane-api.ts";
import { findNextCall } from "#src/producer/runs/progress/limit-waits.ts";
import type { LaneSnapshot } from "#src/producer/runs/progress/run-snapshot.ts";
import { isBatch, type RunManifest } from "#src/producer/runs/run-manifest.ts";
import { describeStop } from "./describe-stop.ts";
import { listRunActions, type RunFolderState } from "./list-run-actions.ts";
import type { RetryStatus } from "./retry-api.ts";
import type { RunPage } from "./run-api.ts";
import type { RunInfo } from "./run-cache.ts";
import { type FolderLookup, isSearchable } from "./run-folder.ts";
import { summarizeRun } from "./summarize-run.ts";

export interface RunPageParts {
  readonly at: number;
  readonly known: RunInfo;
  readonly found: FolderLookup;
  /** All lanes of the latest snapshot. */
  readonly lanes: readonly LaneView[];
  readonly retry: RetryStatus | undefined;
}

/** The page of a run. What the run published last precedes its folder, which lags by seconds. Pure. */
export function describeRunPage({ at, known, found, lanes, retry }: RunPageParts): RunPage {
  const summary = summarizeRun(known);
  const { published, hasCoordinator, window, dir, host, startedWith } = known;
  const snapshot = published?.snapshot;
  const report = published?.end?.outcome === "finished" ? published.end.report : getManifest(found);
  const items = summary.items ?? report?.items;
  const failuresByKind = hasCoordinator || !report ? snapshot?.failuresByKind : report.failuresByKind;
  const { callsPerSecond, tokensPerSecond } = (hasCoordinator ? snapshot : undefined) ?? {};
  const refusal = found.isReadable ? undefined : found.refusal;
  return omitUndefined({
    ...summary,
    at,
    givenName: known.name,
    kind: isEvaluation(getManifest(found)) ? "evaluation" : (report?.kind ?? summary.kind),
    activeMs: report?.activeMs,
    items: items && {
      total: items.total,
      succeeded: items.succeeded,
      failed: items.failed,
      inFlight: summary.items?.inFlight,
    },
    itemsWithoutRecord: items && Math.max(0, items.total - items.succeeded - items.failed),
    callsPerSecond,
    tokensPerSecond,
    nextCallAt: hasCoordinator && snapshot?.phase === "running" ? findNextCall(snapshot.lanes) : undefined,
    ...describeRunStats(known, report),
    failuresByKind: failuresByKind ?? {},
    lanes: describeLanes(known, lanes),
    window,
    folder: { isReadable: found.isReadable, dir, host, reason: refusal?.message, reasonCode: refusal?.reason },
    startedWith,
    output: report && {
      format: report.output.format,
      files: report.state === "finished" ? report.output.files : [],
    },
    ...describeStop(known, found),
    ...listRunActions(known, getFolderState(found), items?.failed),
    retry,
  });
}

function isEvaluation(manifest: RunManifest | undefined): boolean {
  return manifest !== undefined && isBatch(manifest) && manifest.evaluation !== undefined;
}

function getManifest(found: FolderLookup): RunManifest | undefined {
  return found.isReadable ? found.folder.manifest : undefined;
}

function getFolderState(found: FolderLookup): RunFolderState {
  if (!found.isReadable) return { refusal: found.refusal, hasWorkFolder: false, isSearchable: false };
  const { folder } = found;
  return { refusal: undefined, hasWorkFolder: folder.hasDatabase, isSearchable: isSearchable(folder) };
}

function describeRunStats(
  { hasCoordinator, published }: RunInfo,
  report: RunManifest | undefined,
): Pick<RunPage, "calls" | "snoozes" | "batchFill" | "tokens" | "costs"> {
  const snapshot = published?.snapshot;
  if (snapshot && (hasCoordinator || !report)) {
    const { calls, snoozes, batchFill, tokens, costs } = snapshot;
    return { calls, snoozes, tokens, batchFill, costs };
  }
  if (!report) return {};
  const { made, answered, failed, throttled, paidTwice, isLowerBound } = report.calls;
  return {
    calls: { made, succeeded: answered, failed, throttled, paidTwice, ...omitUndefined({ isLowerBound }) },
    snoozes: report.snoozes,
    tokens: report.tokens,
    batchFill: report.batchFill,
    costs: report.costs,
  };
}

/** All lanes that the run may use, including those that its coordinator named before its first snapshot. */
function describeLanes({ lanes: named, published }: RunInfo, lanes: readonly LaneView[]): LaneView[] {
  const reported = new Map(published?.snapshot?.lanes.map((lane) => [lane.name, lane]));
  return [...new Set([...named, ...reported.keys()])]
    .sort()
    .flatMap((name) => lanes.find((lane) => lane.name === name) ?? toLaneView(name, reported.get(name)));
}

/** A lane that is not in the server's latest snapshot, as the run reported it. */
function toLaneView(name: string, reported: LaneSnapshot | undefined): LaneView | [] {
  const lane = parseLane(name);
  if (!lane || !reported) return [];
  const { state, snoozeUntil, reason, hanging, requests, tokens, concurrency } = reported;
  return { ...lane, name, state, snoozeUntil, reason, hanging, requests, tokens, concurrency };
}
