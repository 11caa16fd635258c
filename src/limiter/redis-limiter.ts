import { randomBytes } from "node:crypto";
import { type LaneLimits, OUTAGE_STREAK, RATE_LIMITS, type ReportedLimit } from "#src/core/lane.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { Keys, LaneKeys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { toLaneStatus } from "./lane-status.ts";
import { LIMITER_DEFAULTS, type Limiter, type LimiterOptions, type ReserveReply, type Settlement } from "./limiter.ts";
import {
  type LimitArgs,
  parkScript,
  renewScript,
  reportHangingScript,
  reportScript,
  reserveScript,
  setLimitsScript,
  settleScript,
  statusScript,
  throttleScript,
  toLimitKey,
  unparkScript,
} from "./limiter-scripts.ts";

/** How long bulk calls yield after the time at which a refused interactive request should be repeated. */
const INTERACTIVE_HOLD_MS = 250;
/** A caller repeats a refused interactive request after at most this time, however long the wait it was given. */
const INTERACTIVE_MAX_PAUSE_MS = 1_000;
/** After this time bulk calls that yield to an interactive call ask again. */
const YIELD_RETRY_MS = 50;
/**
 * Added to the window: whole-millisecond rounding on both sides and clocks that drift apart by up to 100 ppm (6 ms per
 * minute).
 */
const WINDOW_MARGIN_MS = 10;
/**
 * Added to a second. Calls of a second are counted from their grants, so this is for differences in how long requests take
 * from the grant to the provider; a connection that is open already takes always nearly the same time.
 */
const SECOND_MARGIN_MS = 40;
/** A lane that has answered before is parked as unreachable after faults for this long. */
const OUTAGE_PARK_MS = 10 * 60_000;
/** A lane that has never answered more likely has a wrong address than an outage, so it is parked early. */
const NEW_LANE_OUTAGE_PARK_MS = 20_000;

/** Creates the limiter that all workers on one Redis share. Its state is per lane, on the clock of the Redis server. */
export function createRedisLimiter(client: RedisClient, keys: Keys, options: LimiterOptions = {}): Limiter {
  const settings = { ...LIMITER_DEFAULTS, ...omitUndefined(options) };
  const { windowMs: providerWindowMs, transitMs, leaseMs, soloMs, firstCalls } = settings;
  const windowMs = providerWindowMs + WINDOW_MARGIN_MS;
  const secondMs = Math.ceil(providerWindowMs / 60) + SECOND_MARGIN_MS;

  return {
    reserve: (lane, limits, estimates, interactive = 0) =>
      reserve(client, keys.lane(lane), {
        limits,
        estimates,
        interactive,
        windowMs,
        secondMs,
        transitMs,
        leaseMs,
        soloMs,
        firstCalls,
      }),

    settle: (lane, settlements) =>
      settleScript.run(
        client,
        keys.lane(lane),
        {
          outageStreak: OUTAGE_STREAK,
          parkAfterMs: OUTAGE_PARK_MS,
          newLaneParkAfterMs: NEW_LANE_OUTAGE_PARK_MS,
          windowMs,
          transitMs,
        },
        settlements.flatMap(toSettlementArgs),
      ),

    throttle: (lane, limits, { dimension, window = "", retryAfterMs, grantedAt, reason = `throttled: ${dimension}` }) =>
      throttleScript.run(client, keys.lane(lane), {
        dimension,
        ofWindow: window,
        retryAfter: toOptionalArg(retryAfterMs),
        grantedAt,
        reason,
        windowMs,
        secondMs,
        ...toLimitArgs(limits),
      }),

    report: (lane, limits) => reportScript.run(client, keys.lane(lane), { windowMs }, limits.flatMap(toReportArgs)),

    reportHanging: (lane, worker, report) => reportHangingScript.run(client, keys.lane(lane), { worker, ...report }),

    park: (lane, reason) => parkScript.run(client, keys.lane(lane), { reason }),
    unpark: (lane) => unparkScript.run(client, keys.lane(lane), {}),

    async renew(lane, ids) {
      if (ids.length > 0) await renewScript.run(client, keys.lane(lane), { leaseMs, windowMs }, ids);
    },

    async status(lane, limits) {
      return toLaneStatus(await statusScript.run(client, keys.lane(lane), { windowMs, secondMs }), limits);
    },

    setLimits(lane, limits) {
      const given = RATE_LIMITS.map((name) => [toLimitKey(name), limits[name.field]] as const);
      const pairs = [...given, ["concurrency", limits.concurrency] as const];
      const rest = pairs.flatMap(([key, limit = 0]) => (limit > 0 ? [key, limit] : []));
      return setLimitsScript.run(client, keys.lane(lane), { clear: 0 }, rest);
    },

    clearLimits: (lane) => setLimitsScript.run(client, keys.lane(lane), { clear: 1 }),
  };
}

/**
 * A number from outside (an estimate, a report, a header) as a whole number that sums can hold exactly. One NaN would
 * stay in a sum forever, and a comparison with NaN never limits anything.
 */
function clampToWholeNumber(value: number): number {
  return Number.isNaN(value) ? 0 : Math.min(1e12, Math.max(0, Math.ceil(value)));
}

interface ReserveRequest extends Required<LimiterOptions> {
  readonly secondMs: number;
  readonly limits: LaneLimits;
  readonly estimates: readonly number[];
  readonly interactive: number;
}

async function reserve(client: RedisClient, keys: LaneKeys, request: ReserveRequest): Promise<ReserveReply> {
  const { limits, estimates, interactive, windowMs, secondMs, transitMs, leaseMs, soloMs, firstCalls } = request;
  const prefix = randomBytes(9).toString("base64url");
  const args = {
    windowMs,
    secondMs,
    ...toLimitArgs(limits),
    even: limits.pacing === "even" ? 1 : 0,
    transitMs,
    leaseMs,
    outageStreak: OUTAGE_STREAK,
    prefix,
    interactive,
    holdMs: INTERACTIVE_HOLD_MS,
    maxPauseMs: INTERACTIVE_MAX_PAUSE_MS,
    yieldMs: YIELD_RETRY_MS,
    soloMs,
    firstCalls,
  };
  const reply = await reserveScript.run(client, keys, args, estimates.map(clampToWholeNumber));
  const { reason, waitMs, detail } = reply;
  const granted = Array.from({ length: reply.granted }, (_, i) => ({
    id: `${prefix}:${i + 1}`,
    grantedAt: reply.now,
  }));
  if (reason === "") return { granted };
  return {
    granted,
    wait: { reason, waitMs: waitMs >= 0 ? waitMs : undefined, detail: detail === "" ? undefined : detail },
  };
}

function toSettlementArgs({ id, outcome, tokens, answeredAgoMs = 0 }: Settlement) {
  const reported = toOptionalArg(Number.isFinite(tokens) ? tokens : undefined);
  return [id, outcome, reported, Math.floor(Math.max(0, answeredAgoMs))];
}

function toReportArgs({ dimension, window = "minute", limit, remaining, resetMs, isLong, isGradual }: ReportedLimit) {
  return [
    ...[toLimitKey({ dimension, window }), clampToWholeNumber(limit), toOptionalArg(remaining), toOptionalArg(resetMs)],
    ...[isLong ? 1 : 0, isGradual ? 1 : 0],
  ];
}

/** -1 stands for a value that is not known. */
function toOptionalArg(value: number | undefined): number {
  return value === undefined || Number.isNaN(value) ? -1 : clampToWholeNumber(value);
}

/** Limits as the scripts take them; 0 means that no limit is known. */
function toLimitArgs(limits: LaneLimits): LimitArgs {
  return {
    requests: limits.requestsPerMinute ?? 0,
    tokens: limits.tokensPerMinute ?? 0,
    concurrency: limits.concurrency ?? 0,
    requestsPerSecond: limits.requestsPerSecond ?? 0,
    requestsPerHour: limits.requestsPerHour ?? 0,
    requestsPerDay: limits.requestsPerDay ?? 0,
    tokensPerSecond: limits.tokensPerSecond ?? 0,
    tokensPerHour: limits.tokensPerHour ?? 0,
    tokensPerDay: limits.tokensPerDay ?? 0,
  };
}
