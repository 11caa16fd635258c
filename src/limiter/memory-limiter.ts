import type { Clock } from "../core/clock.ts";
import type { LimitDimension } from "../core/errors.ts";
import { formatLane, type Lane, type LaneLimits } from "../core/lane.ts";
import { omitUndefined } from "../core/omit-undefined.ts";
import { LaneBook } from "./lane-book.ts";
import {
  type LaneStatus,
  LIMITER_DEFAULTS,
  type Limiter,
  type LimiterOptions,
  type Share,
  WINDOW_MARGIN_MS,
} from "./limiter.ts";

/** The limiter for a single process, without Redis: the same grants and waits, on the clock it is given. */
export function createMemoryLimiter(clock: Clock, options: LimiterOptions = {}): Limiter {
  const { windowMs, transitMs, leaseMs } = { ...LIMITER_DEFAULTS, ...omitUndefined(options ?? {}) };
  const figures = { windowMs: windowMs + WINDOW_MARGIN_MS, transitMs, leaseMs };
  const books = new Map<string, LaneBook>();
  const book = (lane: Lane): LaneBook => {
    const name = formatLane(lane);
    const known = books.get(name) ?? new LaneBook(figures);
    books.set(name, known);
    return known;
  };
  const now = monotonic(clock);

  return {
    reserve: async (lane, limits, wants, urgent = 0) => book(lane).reserve(now(), limits, wants, urgent),
    settle: async (lane, settlements) => {
      for (const settlement of settlements) book(lane).settle(now(), settlement);
      return { faultStreak: book(lane).faultStreak() };
    },
    throttle: async (lane, limits, throttle) => ({ waitMs: book(lane).throttle(now(), limits, throttle) }),
    park: async (lane, reason) => book(lane).park(reason),
    unpark: async (lane) => book(lane).unpark(),
    renew: async (lane, ids) => {
      for (const id of ids) book(lane).renew(now(), id);
    },
    status: async (lane, limits) => describe(book(lane), limits, now()),
    setLimits: async (lane, limits) => book(lane).setLimits(limits),
    clearLimits: async (lane) => book(lane).clearLimits(),
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

function describe(book: LaneBook, given: LaneLimits, now: number): LaneStatus {
  const limits = book.inForce(given);
  const { used, learned, snoozeMs, pauseReason, parked, throttles } = book.look(now);
  const state = parked !== undefined ? "parked" : snoozeMs > 0 ? "snoozed" : "open";
  const reason = state === "parked" ? parked : state === "snoozed" ? pauseReason : "";
  const share = (dimension: LimitDimension, allowed: number | undefined): Share => {
    const value = learned[dimension];
    return {
      used: used[dimension],
      allowed,
      set: book.isSet(dimension) ? (true as const) : undefined,
      learned:
        value !== undefined && value < (allowed ?? Number.POSITIVE_INFINITY) ? Math.floor(value) : undefined,
    };
  };
  return {
    state,
    snoozeMs: state === "snoozed" ? snoozeMs : undefined,
    reason: reason ? reason : undefined,
    requests: share("requests", limits.requestsPerMinute),
    tokens: share("tokens", limits.tokensPerMinute),
    concurrency: share("concurrency", limits.concurrency),
    throttles,
    faultStreak: book.faultStreak(),
  };
}
