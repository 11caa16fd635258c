import { PROVIDER_ERROR_KINDS } from "#src/core/failures/errors.ts";
import { formatLane, type Lane, type LaneLimits, parseLane } from "#src/core/lane.ts";
import type { LaneView, LimitUsageView } from "#src/dashboard/overview/lane-api.ts";
import { readRecentStats } from "#src/dashboard/overview/recent-stats.ts";
import { listUsages } from "#src/limiter/lane-status.ts";
import type { Limiter } from "#src/limiter/limiter.ts";
import { createLimitSnapshot, createWindowSnapshot } from "#src/producer/runs/progress/lane-snapshot.ts";
import type { LaneSnapshot } from "#src/producer/runs/progress/run-snapshot.ts";
import type { TelemetryHistory } from "#src/state/telemetry/telemetry-history.ts";

export interface LaneStatusDeps {
  readonly limiter: Limiter;
  /** The limits in this process's configuration; undefined for an unknown provider. */
  readonly limitsOf: (lane: Lane) => LaneLimits | undefined;
  readonly telemetry: TelemetryHistory;
}

/**
 * The current status of lanes, one script call each. If the configuration has no limit, the one that the run's
 * coordinator reported is used.
 */
export async function readLaneStatuses(
  names: Iterable<string>,
  reported: ReadonlyMap<string, LaneSnapshot>,
  now: number,
  deps: LaneStatusDeps,
): Promise<LaneView[]> {
  const views = await Promise.all(
    [...new Set(names)].sort().map(async (name) => {
      const lane = parseLane(name);
      return lane && (await readLaneStatus(lane, reported.get(name), now, deps));
    }),
  );
  return views.flatMap((view) => view ?? []);
}

/** The current status of one lane. */
export async function readLaneStatus(
  lane: Lane,
  reported: LaneSnapshot | undefined,
  now: number,
  { limiter, limitsOf, telemetry }: LaneStatusDeps,
): Promise<LaneView> {
  const name = formatLane(lane);
  const status = await limiter.status(lane, { ...readReportedLimits(reported), ...limitsOf(lane) });
  const recent = readRecentStats(telemetry, name, 5 * 60_000);
  return {
    ...lane,
    name,
    state: status.state,
    snoozeUntil: status.snoozeMs === undefined ? undefined : now + status.snoozeMs,
    reason: status.reason,
    reasonKind: parseReasonKind(status.reason),
    requests: createLimitSnapshot(status.requests, now),
    tokens: createLimitSnapshot(status.tokens, now),
    concurrency: createLimitSnapshot(status.concurrency, now),
    windows: status.windows.map(createWindowSnapshot),
    throttles: status.throttles,
    throttlesPerMinute: recent?.perMinute(recent.stats.throttles),
    faultStreak: status.faultStreak,
    hanging: status.hanging,
  };
}

/** A reason is "KIND: message", or the kind only. */
function parseReasonKind(reason: string | undefined): string | undefined {
  const kind = reason?.split(":")[0];
  return PROVIDER_ERROR_KINDS.find((known) => known === kind);
}

function readReportedLimits(reported: LaneSnapshot | undefined): LaneLimits {
  if (!reported) return {};
  const { requests, tokens, concurrency, windows = [] } = reported;
  const getConfigured = ({ allowed, set, reported: isReported }: LimitUsageView) =>
    set || isReported ? undefined : allowed;
  return Object.fromEntries(
    listUsages({ requests, tokens, concurrency, windows }).map(([field, usage]) => [field, getConfigured(usage)]),
  );
}
