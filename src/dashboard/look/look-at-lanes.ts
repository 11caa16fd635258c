import { PROVIDER_ERROR_KINDS } from "../../core/errors.ts";
import { formatLane, type Lane, type LaneLimits, parseLane } from "../../core/lane.ts";
import type { Limiter, Share } from "../../limiter/limiter.ts";
import type { LaneSnapshot } from "../../producer/run-snapshot.ts";
import type { TelemetryHistory } from "../../queue/telemetry-history.ts";
import type { LaneView, ShareView } from "../contract.ts";
import { recentFigures } from "./recent-figures.ts";

export interface LaneLookDeps {
  readonly limiter: Limiter;
  /** The limits in force as this process's configuration has them; undefined for a provider it does not know. */
  readonly limitsOf: (lane: Lane) => LaneLimits | undefined;
  readonly telemetry: TelemetryHistory;
}

/**
 * How lanes stand at this moment: one script each. Where the configuration at hand names no limit, what the run's own
 * coordinator told is taken.
 */
export async function lookAtLanes(
  names: Iterable<string>,
  told: ReadonlyMap<string, LaneSnapshot>,
  now: number,
  deps: LaneLookDeps,
): Promise<LaneView[]> {
  const views = await Promise.all(
    [...new Set(names)].sort().map(async (name) => {
      const lane = parseLane(name);
      return lane && (await lookAtLane(lane, told.get(name), now, deps));
    }),
  );
  return views.flatMap((view) => view ?? []);
}

/** One lane, read now. */
export async function lookAtLane(
  lane: Lane,
  told: LaneSnapshot | undefined,
  now: number,
  { limiter, limitsOf, telemetry }: LaneLookDeps,
): Promise<LaneView> {
  const name = formatLane(lane);
  const status = await limiter.status(lane, { ...limitsTold(told), ...limitsOf(lane) });
  const recent = recentFigures(telemetry, name, 5 * 60_000);
  return {
    ...lane,
    name,
    state: status.state,
    ...(status.snoozeMs === undefined ? {} : { snoozeUntil: now + status.snoozeMs }),
    ...(status.reason === undefined ? {} : { reason: status.reason }),
    ...kindOf(status.reason),
    requests: share(status.requests),
    tokens: share(status.tokens),
    concurrency: share(status.concurrency),
    throttles: status.throttles,
    ...(recent ? { throttlesPerMinute: recent.perMinute(recent.figures.throttles) } : {}),
    faultStreak: status.faultStreak,
  };
}

/** Workers say "auth: message", or the kind alone. */
function kindOf(reason: string | undefined): Pick<LaneView, "reasonKind"> {
  const [kind] = reason?.split(":") ?? [];
  return PROVIDER_ERROR_KINDS.some((known) => known === kind) && kind !== undefined
    ? { reasonKind: kind }
    : {};
}

function limitsTold(told: LaneSnapshot | undefined): LaneLimits {
  if (!told) return {};
  const { requests, tokens, concurrency } = told;
  const limit = ({ allowed, set }: ShareView) => (set ? undefined : allowed);
  const [perMinute, tokensPerMinute, atOnce] = [limit(requests), limit(tokens), limit(concurrency)];
  return {
    requestsPerMinute: perMinute,
    tokensPerMinute,
    concurrency: atOnce,
  };
}

function share({ used, allowed, set, learned }: Share): ShareView {
  return {
    used,
    allowed,
    set: set ? set : undefined,
    learned,
  };
}
