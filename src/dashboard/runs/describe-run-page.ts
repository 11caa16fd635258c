import { parseLane } from "../../core/lane.ts";
import type { LaneSnapshot } from "../../producer/run-snapshot.ts";
import type { LaneView, RetryStatus, RunPage } from "../contract.ts";
import { actionsOf, describeRun } from "./describe-run.ts";
import { describeStop } from "./describe-stop.ts";
import type { KnownRun } from "./run-book.ts";
import { type FoundFolder, isSearchable } from "./run-folder.ts";

export interface RunPageParts {
  readonly at: number;
  readonly known: KnownRun;
  readonly found: FoundFolder;
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
    (found.here ? found.folder.manifest : undefined);
  const items = summary.items ?? report?.items;
  const failuresByKind = (known.coordinated ? snapshot?.failuresByKind : report?.failuresByKind) ?? {};
  const folder = {
    here: found.here,
    ...(found.here ? {} : { reason: found.reason, code: found.code }),
    hasWork: found.here && found.folder.spool !== undefined,
    searchable: found.here && isSearchable(found.folder),
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
            ...inFlightOf(items),
          },
          left: Math.max(0, items.total - items.succeeded - items.failed),
        }
      : {}),
    ...ratesOf(known),
    ...figuresOf(known, report),
    failuresByKind: { ...(snapshot && !report ? snapshot.failuresByKind : {}), ...failuresByKind },
    lanes: lanesOf(known, lanes),
    ...(known.window === undefined ? {} : { window: known.window }),
    folder: {
      here: found.here,
      dir: known.dir,
      host: known.host,
      ...(found.here ? {} : { reason: found.reason, reasonCode: found.code }),
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
    ...actionsOf(known, folder, items?.failed),
    ...(retry ? { retry } : {}),
  };
}

function inFlightOf(items: object): { inFlight?: number } {
  return "inFlight" in items && typeof items.inFlight === "number" ? { inFlight: items.inFlight } : {};
}

function ratesOf({ coordinated, published }: KnownRun): Pick<RunPage, "callsPerSecond" | "tokensPerSecond"> {
  const { callsPerSecond, tokensPerSecond } = (coordinated ? published?.snapshot : undefined) ?? {};
  return {
    callsPerSecond,
    tokensPerSecond,
  };
}

type Report = Extract<FoundFolder, { here: true }>["folder"]["manifest"];

function figuresOf(
  { coordinated, published }: KnownRun,
  report: Report | undefined,
): Pick<RunPage, "calls" | "snoozes" | "batchFill" | "tokens"> {
  const snapshot = published?.snapshot;
  if (snapshot && (coordinated || !report)) {
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
function lanesOf({ lanes: named, published }: KnownRun, lanes: readonly LaneView[]): LaneView[] {
  const told = new Map(published?.snapshot?.lanes.map((lane) => [lane.name, lane]));
  return [...new Set([...named, ...told.keys()])]
    .sort()
    .flatMap((name) => liveLane(name, told.get(name), lanes));
}

/** As it was seen at the latest look; as the run told it, where nobody has seen it since. */
function liveLane(name: string, told: LaneSnapshot | undefined, lanes: readonly LaneView[]): LaneView[] {
  const seen = lanes.find((lane) => lane.name === name);
  if (seen) return [seen];
  const lane = parseLane(name);
  if (!lane || !told) return [];
  const { state, snoozeUntil, reason, requests, tokens, concurrency } = told;
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
