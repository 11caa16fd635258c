import type { Clock } from "#src/core/clock.ts";
import type { LimitDimension } from "#src/core/errors.ts";
import { formatLane, type Lane, type LaneLimits } from "#src/core/lane.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import { LaneState } from "./lane-state.ts";
import {
  type LaneStatus,
  LIMITER_DEFAULTS,
  type Limiter,
  type LimiterOptions,
  type LimitUsage,
  WINDOW_MARGIN_MS,
} from "./limiter.ts";

/** The limiter for a single process, without Redis: the same grants and waits, on the clock it is given. */
export function createMemoryLimiter(clock: Clock, options: LimiterOptions = {}): Limiter {
  const { windowMs, transitMs, leaseMs } = { ...LIMITER_DEFAULTS, ...omitUndefined(options ?? {}) };
  const settings = { windowMs: windowMs + WINDOW_MARGIN_MS, transitMs, leaseMs };
  const laneStates = new Map<string, LaneState>();
  const laneState = (lane: Lane): LaneState => {
    const name = formatLane(lane);
    const known = laneStates.get(name) ?? new LaneState(settings);
    laneStates.set(name, known);
    return known;
  };
  const now = monotonic(clock);

  return {
    reserve: async (lane, limits, estimates, interactive = 0) =>
      laneState(lane).reserve(now(), limits, estimates, interactive),
    settle: async (lane, settlements) => {
      for (const settlement of settlements) laneState(lane).settle(now(), settlement);
      return { faultStreak: laneState(lane).faultStreak() };
    },
    throttle: async (lane, limits, throttle) => ({
      waitMs: laneState(lane).throttle(now(), limits, throttle),
    }),
    park: async (lane, reason) => laneState(lane).park(reason),
    unpark: async (lane) => laneState(lane).unpark(),
    renew: async (lane, ids) => {
      for (const id of ids) laneState(lane).renew(now(), id);
    },
    status: async (lane, limits) => describe(laneState(lane), limits, now()),
    setLimits: async (lane, limits) => laneState(lane).setLimits(limits),
    clearLimits: async (lane) => laneState(lane).clearLimits(),
  };
}

/** After a step back of the clock, time goes on from where it was, at the same pace. */
function monotonic(clock: Clock): () => number {
  let last = Number.NEGATIVE_INFINITY;
  let skew = 0;
  return () => {
    const read = clock.now();
    const now = read >= last ? read : Math.max(last, read + skew);
    skew = now - read;
    last = now;
    return now;
  };
}

function describe(laneState: LaneState, given: LaneLimits, now: number): LaneStatus {
  const limits = laneState.effectiveLimits(given);
  const { used, learned, snoozeMs, pauseReason, parked, throttles } = laneState.snapshot(now);
  const state = parked !== undefined ? "parked" : snoozeMs > 0 ? "snoozed" : "open";
  const reason = state === "parked" ? parked : state === "snoozed" ? pauseReason : "";
  const limitUsage = (dimension: LimitDimension, allowed: number | undefined): LimitUsage => {
    const value = learned[dimension];
    return {
      used: used[dimension],
      allowed,
      set: laneState.isSet(dimension) ? (true as const) : undefined,
      learned: value !== undefined && value < (allowed ?? Number.POSITIVE_INFINITY) ? Math.floor(value) : undefined,
    };
  };
  return {
    state,
    snoozeMs: state === "snoozed" ? snoozeMs : undefined,
    reason: reason ? reason : undefined,
    requests: limitUsage("requests", limits.requestsPerMinute),
    tokens: limitUsage("tokens", limits.tokensPerMinute),
    concurrency: limitUsage("concurrency", limits.concurrency),
    throttles,
    faultStreak: laneState.faultStreak(),
  };
}
