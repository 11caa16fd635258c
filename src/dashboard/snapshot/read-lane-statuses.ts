import { PROVIDER_ERROR_KINDS } from "#src/core/errors.ts";
import { formatLane, type Lane, type LaneLimits, parseLane } from "#src/core/lane.ts";
import type { LaneView, LimitUsageView } from "#src/dashboard/overview/lane-api.ts";
import { readRecentStats } from "#src/dashboard/overview/recent-stats.ts";
import type { Limiter, LimitUsage } from "#src/limiter/limiter.ts";
import type { LaneSnapshot } from "#src/producer/runs/progress/run-snapshot.ts";
import type { TelemetryHistory } from "#src/state/telemetry/telemetry-history.ts";

export interface LaneStatusDeps {
  readonly limiter: Limiter;
  /** The limits in force as this process's configuration has them; undefined for a provider it does not know. */
  readonly limitsOf: (lane: Lane) => LaneLimits | undefined;
  readonly telemetry: TelemetryHistory;
}

/**
 * How lanes stand at this moment: one script each. Where the configuration at hand names no limit, what the run's own
 * coordinator told is taken.
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

/** One lane, read now. */
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
    ...(status.snoozeMs === undefined ? {} : { snoozeUntil: now + status.snoozeMs }),
    ...(status.reason === undefined ? {} : { reason: status.reason }),
    ...parseReasonKind(status.reason),
    requests: toLimitUsage(status.requests),
    tokens: toLimitUsage(status.tokens),
    concurrency: toLimitUsage(status.concurrency),
    throttles: status.throttles,
    ...(recent ? { throttlesPerMinute: recent.perMinute(recent.stats.throttles) } : {}),
    faultStreak: status.faultStreak,
  };
}

/** Workers say "auth: message", or the kind alone. */
function parseReasonKind(reason: string | undefined): Pick<LaneView, "reasonKind"> {
  const [kind] = reason?.split(":") ?? [];
  return PROVIDER_ERROR_KINDS.some((known) => known === kind) && kind !== undefined ? { reasonKind: kind } : {};
}

function readReportedLimits(reported: LaneSnapshot | undefined): LaneLimits {
  if (!reported) return {};
  const { requests, tokens, concurrency } = reported;
  const limit = ({ allowed, set }: LimitUsageView) => (set ? undefined : allowed);
  const [perMinute, tokensPerMinute, atOnce] = [limit(requests), limit(tokens), limit(concurrency)];
  return {
    requestsPerMinute: perMinute,
    tokensPerMinute,
    concurrency: atOnce,
  };
}

function toLimitUsage({ used, allowed, set, learned }: LimitUsage): LimitUsageView {
  return {
    used,
    allowed,
    set: set ? set : undefined,
    learned,
  };
}
