import { parseLane } from "#src/core/lane.ts";
import type { LaneView } from "#src/dashboard/overview/lane-api.ts";
import type { LaneSnapshot } from "#src/producer/runs/progress/run-snapshot.ts";
import { describeRun, listRunActions } from "./describe-run.ts";
import { describeStop } from "./describe-stop.ts";
import type { RetryStatus } from "./retry-api.ts";
import type { RunPage } from "./run-api.ts";
import type { RunInfo } from "./run-cache.ts";
import { type FolderLookup, isSearchable } from "./run-folder.ts";

export interface RunPageParts {
  readonly at: number;
  readonly known: RunInfo;
  readonly found: FolderLookup;
  /** All lanes of the latest look. */
  readonly lanes: readonly LaneView[];
  readonly retry: RetryStatus | undefined;
}

/** A run's page. What the run told last comes before what its folder says, which lags by seconds. Pure. */
export function describeRunPage({ at, known, found, lanes, retry }: RunPageParts): RunPage {
  const summary = describeRun(known);
  const { published } = known;
  const snapshot = published?.snapshot;
  const report =
    (published?.end?.outcome === "finished" ? published.end.report : undefined) ??
    (found.isReadable ? found.folder.manifest : undefined);
  const items = summary.items ?? report?.items;
  const failuresByKind = (known.hasCoordinator ? snapshot?.failuresByKind : report?.failuresByKind) ?? {};
  const folder = {
    isReadable: found.isReadable,
    ...(found.isReadable ? {} : { reason: found.reason, code: found.code }),
    hasWorkFolder: found.isReadable && found.folder.itemsFile !== undefined,
    isSearchable: found.isReadable && isSearchable(found.folder),
  };
  return {
    ...summary,
    at,
    ...(report ? { kind: report.kind, activeMs: report.activeMs } : {}),
    ...(items
      ? {
          items: {
            total: items.total,
            succeeded: items.succeeded,
            failed: items.failed,
            ...pickInFlight(items),
          },
          itemsWithoutRecord: Math.max(0, items.total - items.succeeded - items.failed),
        }
      : {}),
    ...describeRates(known),
    ...describeRunStats(known, report),
    failuresByKind: { ...(snapshot && !report ? snapshot.failuresByKind : {}), ...failuresByKind },
    lanes: describeLanes(known, lanes),
    ...(known.window === undefined ? {} : { window: known.window }),
    folder: {
      isReadable: found.isReadable,
      dir: known.dir,
      host: known.host,
      ...(found.isReadable ? {} : { reason: found.reason, reasonCode: found.code }),
    },
    ...(report
      ? {
          output: {
            format: report.output.format,
            files: report.state === "finished" ? report.output.files : [],
          },
        }
      : {}),
    ...describeStop(known, found),
    ...listRunActions(known, folder, items?.failed),
    ...(retry ? { retry } : {}),
  };
}

function pickInFlight(items: object): { inFlight?: number } {
  return "inFlight" in items && typeof items.inFlight === "number" ? { inFlight: items.inFlight } : {};
}

function describeRates({ hasCoordinator, published }: RunInfo): Pick<RunPage, "callsPerSecond" | "tokensPerSecond"> {
  const { callsPerSecond, tokensPerSecond } = (hasCoordinator ? published?.snapshot : undefined) ?? {};
  return {
    callsPerSecond,
    tokensPerSecond,
  };
}

type Report = Extract<FolderLookup, { isReadable: true }>["folder"]["manifest"];

function describeRunStats(
  { hasCoordinator, published }: RunInfo,
  report: Report | undefined,
): Pick<RunPage, "calls" | "snoozes" | "batchFill" | "tokens"> {
  const snapshot = published?.snapshot;
  if (snapshot && (hasCoordinator || !report)) {
    const { calls, snoozes, batchFill, tokens } = snapshot;
    return { calls, snoozes, tokens, batchFill };
  }
  if (!report) return {};
  const { made, answered, failed, throttled, paidTwice } = report.calls;
  return {
    calls: { made, succeeded: answered, failed, throttled, paidTwice },
    snoozes: report.snoozes,
    tokens: report.tokens,
    batchFill: report.batchFill,
  };
}

/** All that the run may use: what a coordinator told before its first look counts as well. */
function describeLanes({ lanes: named, published }: RunInfo, lanes: readonly LaneView[]): LaneView[] {
  const reported = new Map(published?.snapshot?.lanes.map((lane) => [lane.name, lane]));
  return [...new Set([...named, ...reported.keys()])]
    .sort()
    .flatMap((name) => describeLane(name, reported.get(name), lanes));
}

/** As it was seen at the latest look; as the run told it, where nobody has seen it since. */
function describeLane(name: string, reported: LaneSnapshot | undefined, lanes: readonly LaneView[]): LaneView[] {
  const seen = lanes.find((lane) => lane.name === name);
  if (seen) return [seen];
  const lane = parseLane(name);
  if (!lane || !reported) return [];
  const { state, snoozeUntil, reason, requests, tokens, concurrency } = reported;
  return [
    {
      ...lane,
      name,
      state,
      ...(snoozeUntil === undefined ? {} : { snoozeUntil }),
      ...(reason === undefined ? {} : { reason }),
      requests,
      tokens,
      concurrency,
    },
  ];
}
