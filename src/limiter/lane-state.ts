import type { LimitDimension } from "#src/core/errors.ts";
import type { LaneLimits } from "#src/core/lane.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import {
  clampToWholeNumber,
  INTERACTIVE_HOLD_MS,
  INTERACTIVE_MAX_WAIT_MS,
  type ManualLimits,
  NEW_LANE_OUTAGE_PARK_MS,
  OUTAGE_PARK_MS,
  OUTAGE_STREAK,
  type Reservation,
  type ReserveReply,
  type Settlement,
  type Throttle,
  YIELD_RETRY_MS,
} from "./limiter.ts";

interface HeldReservation {
  /** Latest moment at which the request can reach the provider. */
  arrivesBy: number;
  cost: number;
  readonly estimate: number;
  /** End of its lease while its call is in flight; undefined once settled or lapsed. */
  leaseUntil: number | undefined;
}

interface Learned {
  readonly from: number;
  readonly peak: number;
  readonly cutAt: number;
}

interface WindowSettings {
  readonly windowMs: number;
  readonly transitMs: number;
  readonly leaseMs: number;
}

type Wait = NonNullable<ReserveReply["wait"]>;

/** What a learned limit grows by each second, at least; else by a hundredth of what it was cut from. */
const GROWTH = { requests: 1, tokens: 100, concurrency: 0.2 } as const;
/** The same figures as in `lua/reserve.lua`. */
const UNKNOWN_COST_FACTOR = 3;
const MIN_REPORTS = 20;
/** What is still believed when somebody starts again: other texts may come, and cost otherwise. */
const REPORTS_AFTER_UNPARK = 4;
const DIMENSIONS = ["requests", "tokens", "concurrency"] as const;
const FIELDS = {
  requests: "requestsPerMinute",
  tokens: "tokensPerMinute",
  concurrency: "concurrency",
} as const;

/**
 * The books of one lane: who holds a reservation, what it costs, what was learned. The same arithmetic as the Lua
 * scripts do on Redis; the moment comes in with every call and must never be earlier than the one before.
 */
export class LaneState {
  readonly #settings: WindowSettings;
  readonly #held = new Map<string, HeldReservation>();
  readonly #learned = new Map<LimitDimension, Learned>();
  /** What a person set; wins over what callers say. */
  #set: ManualLimits = {};
  #nextId = 1;
  #nextAt = 0;
  /** Reported tokens by estimated ones, as calls of late had it. */
  #ratio = 1;
  /** Calls that have answered, so that their cost is known as far as it ever will be. */
  #reports = 0;
  #parked: string | undefined;
  #pausedUntil = 0;
  /** Others let urgent calls go first. */
  #interactiveUntil = 0;
  #pauseReason = "";
  #faults = 0;
  #outages = 0;
  #failingSince: number | undefined;
  #hasAnswered = false;
  #throttles = 0;
  #throttleStreak = 0;

  constructor(settings: WindowSettings) {
    this.#settings = settings;
  }

  reserve(now: number, given: LaneLimits, estimates: readonly number[], interactive: number): ReserveReply {
    if (estimates.length === 0) return { granted: [] };
    const reply = this.#grant(now, given, estimates, interactive);
    const { reason, waitMs = 0 } = reply.wait ?? {};
    if (reason === "parked" || reason === "snoozed" || interactive === 0) return reply;
    const isRefused = reply.granted.length < interactive;
    this.#interactiveUntil = isRefused ? now + Math.min(waitMs, INTERACTIVE_MAX_WAIT_MS) + INTERACTIVE_HOLD_MS : 0;
    return reply;
  }

  #grant(now: number, given: LaneLimits, estimates: readonly number[], interactive: number): ReserveReply {
    const limits = this.effectiveLimits(given);
    if (this.#parked !== undefined) return { granted: [], wait: { reason: "parked", detail: this.#parked } };
    if (this.#pausedUntil > now) {
      return {
        granted: [],
        wait: { reason: "snoozed", waitMs: this.#pausedUntil - now, detail: this.#pauseReason },
      };
    }
    this.#dropExpired(now);
    const allowed = this.#effectiveLimits(now, limits);
    const granted: Reservation[] = [];
    for (const rawEstimate of estimates) {
      const estimate = clampToWholeNumber(rawEstimate);
      const cost = Math.ceil(
        estimate * this.#computeCostFactor(allowed.tokens < Number.POSITIVE_INFINITY && limits.pacing !== "even"),
      );
      if (this.#interactiveUntil > now && granted.length >= interactive) {
        return { granted, wait: { reason: "interactive", waitMs: YIELD_RETRY_MS } };
      }
      const wait = this.#findWait(now, allowed, cost, limits.pacing === "even");
      if (wait) return { granted, wait };
      const id = `m:${this.#nextId++}`;
      const { transitMs, leaseMs, windowMs } = this.#settings;
      this.#held.set(id, { arrivesBy: now + transitMs, cost, estimate, leaseUntil: now + leaseMs });
      granted.push({ id, grantedAt: now });
      const gap = Math.max(
        windowMs / allowed.requests,
        Math.min(1, (estimate * this.#ratio) / allowed.tokens) * windowMs,
      );
      // As much is made up for as timers are late by; after a pause the next two grants must not come together.
      if (limits.pacing === "even") {
        this.#nextAt = Math.max(this.#nextAt, now - Math.min(gap, Math.max(gap * 0.1, 20))) + gap;
      }
    }
    return { granted };
  }

  settle(now: number, { id, outcome, tokens, answeredAgoMs = 0 }: Settlement): void {
    const held = this.#held.get(id);
    if (held?.leaseUntil === undefined) return;
    held.leaseUntil = undefined;
    if (outcome === "unsent") {
      this.#held.delete(id);
      return;
    }
    // The provider had the request before it answered, so its window started by then at the latest.
    held.arrivesBy = Math.min(held.arrivesBy, now - Math.floor(Math.max(0, answeredAgoMs)));
    this.#applyReportedTokens(
      held,
      tokens !== undefined && Number.isFinite(tokens) ? clampToWholeNumber(tokens) : undefined,
    );
    if (outcome === "ok") this.#reports += 1;
    if (outcome === "ok") {
      this.#faults = 0;
      this.#outages = 0;
      this.#failingSince = undefined;
      this.#throttleStreak = 0;
      this.#hasAnswered = true;
    } else if (outcome === "fault" || (outcome === "suspect" && this.#faults >= OUTAGE_STREAK)) {
      this.#recordFault(now);
    }
  }

  throttle(now: number, given: LaneLimits, { dimension, retryAfterMs, grantedAt }: Throttle): number {
    this.#throttles += 1;
    const last = this.#learned.get(dimension);
    if (grantedAt > (last?.cutAt ?? 0)) {
      this.#throttleStreak += 1;
      const configured = configuredLimits(this.effectiveLimits(given))[dimension];
      const base = Math.min(
        configured,
        this.#measureRate(now, dimension),
        last ? computeLearnedLimit(last, dimension, now) : Number.POSITIVE_INFINITY,
      );
      this.#learned.set(dimension, { from: Math.max(1, base * 0.7), peak: Math.max(1, base), cutAt: now });
    }
    const known = retryAfterMs !== undefined && !Number.isNaN(retryAfterMs);
    const pause = known
      ? Math.min(clampToWholeNumber(retryAfterMs), 600_000)
      : Math.min(60_000, 500 * 2 ** Math.min(Math.max(this.#throttleStreak, 1) - 1, 7));
    if (now + pause > this.#pausedUntil) this.#pause(now + pause, `throttled: ${dimension}`);
    return Math.max(0, this.#pausedUntil - now);
  }

  setLimits(limits: ManualLimits): void {
    this.#set = { ...this.#set, ...omitUndefined(limits) };
    for (const dimension of DIMENSIONS) {
      if (limits[FIELDS[dimension]] !== undefined) this.#learned.delete(dimension);
    }
  }

  clearLimits(): void {
    this.#set = {};
  }

  /** The limits that count, before what was learned. */
  effectiveLimits(given: LaneLimits): LaneLimits {
    return { ...given, ...this.#set };
  }

  isSet(dimension: LimitDimension): boolean {
    return this.#set[FIELDS[dimension]] !== undefined;
  }

  park(reason: string): void {
    this.#parked = reason;
  }

  unpark(): void {
    this.#reports = Math.min(this.#reports, REPORTS_AFTER_UNPARK);
    this.#parked = undefined;
    this.#faults = 0;
    this.#outages = 0;
    this.#failingSince = undefined;
    if (this.#pauseReason === "outage") this.#pause(0, "");
  }

  renew(now: number, id: string): void {
    const held = this.#held.get(id);
    if (held?.leaseUntil !== undefined) held.leaseUntil = now + this.#settings.leaseMs;
  }

  faultStreak(): number {
    return this.#faults;
  }

  /** Everything a screen shows; `learned` holds a dimension only while its learned limit is in force. */
  snapshot(now: number): {
    readonly used: Readonly<Record<LimitDimension, number>>;
    readonly learned: Readonly<Partial<Record<LimitDimension, number>>>;
    readonly snoozeMs: number;
    readonly pauseReason: string;
    readonly parked: string | undefined;
    readonly throttles: number;
  } {
    const inWindow = this.#inWindow(now);
    const learned: Partial<Record<LimitDimension, number>> = {};
    for (const [dimension, value] of this.#learned) learned[dimension] = computeLearnedLimit(value, dimension, now);
    return {
      used: {
        requests: inWindow.length,
        tokens: inWindow.reduce((sum, held) => sum + held.cost, 0),
        concurrency: this.#inFlight(now),
      },
      learned,
      snoozeMs: Math.max(0, this.#pausedUntil - now),
      pauseReason: this.#pauseReason,
      parked: this.#parked,
      throttles: this.#throttles,
    };
  }

  #pause(until: number, reason: string): void {
    this.#pausedUntil = until;
    this.#pauseReason = reason;
  }

  #findWait(
    now: number,
    allowed: Readonly<Record<LimitDimension, number>>,
    cost: number,
    even: boolean,
  ): Wait | undefined {
    const { windowMs } = this.#settings;
    if (this.#inFlight(now) >= allowed.concurrency) return { reason: "concurrency" };
    const oldestFirst = this.#inWindow(now).sort((a, b) => a.arrivesBy - b.arrivesBy);
    const last = oldestFirst[oldestFirst.length - allowed.requests];
    if (last) return { reason: "requests", waitMs: ceilToPositive(last.arrivesBy + windowMs - now) };
    // A call larger than the whole window can only go alone; the provider then decides.
    let excess = Math.min(cost, allowed.tokens) - allowed.tokens;
    for (const { cost: spent } of oldestFirst) excess += spent;
    if (excess > 0 && allowed.tokens !== Number.POSITIVE_INFINITY) {
      let at = now + windowMs;
      for (const held of oldestFirst) {
        at = held.arrivesBy + windowMs;
        excess -= held.cost;
        if (excess <= 0) break;
      }
      return { reason: "tokens", waitMs: ceilToPositive(at - now) };
    }
    if (even && this.#nextAt > now) return { reason: "pacing", waitMs: ceilToPositive(this.#nextAt - now) };
    return undefined;
  }

  #effectiveLimits(now: number, limits: LaneLimits): Record<LimitDimension, number> {
    const allowed = configuredLimits(limits);
    for (const dimension of DIMENSIONS) {
      const learned = this.#learned.get(dimension);
      if (!learned) continue;
      const value = computeLearnedLimit(learned, dimension, now);
      if (value >= Math.min(allowed[dimension], learned.peak * 10)) this.#learned.delete(dimension);
      else allowed[dimension] = Math.max(1, Math.floor(value));
    }
    // While the lane is out, one probe at a time: a storm would neither help the provider nor tell us more.
    if (this.#faults >= OUTAGE_STREAK) allowed.concurrency = 1;
    return allowed;
  }

  #applyReportedTokens(held: HeldReservation, reported: number | undefined): void {
    if (reported === undefined) {
      // The caution of a grant ends with its call.
      held.cost = Math.ceil(held.estimate * Math.max(1, this.#ratio));
      return;
    }
    held.cost = reported;
    if (held.estimate === 0) return;
    // Peak-hold with slow decay: reserve what calls really cost, and rather a little more.
    const seen = Math.min(4, Math.max(0.25, reported / held.estimate));
    this.#ratio = seen > this.#ratio ? seen : this.#ratio * 0.98 + seen * 0.02;
  }

  /**
   * What an estimate is multiplied with to reserve. Never below 1: that calls cost less so far is no promise that the
   * next one will. And far above it until enough calls have said what they cost: a whole window of estimates that are
   * all too low would be far over. Even pacing never has more than a call or two under way.
   */
  #computeCostFactor(cautious: boolean): number {
    const known = Math.max(1, this.#ratio);
    if (!cautious) return known;
    if (this.#reports === 0) return UNKNOWN_COST_FACTOR;
    return this.#reports < MIN_REPORTS ? known * (1 + 1 / this.#reports) : known;
  }

  #recordFault(now: number): void {
    this.#faults += 1;
    this.#failingSince ??= now;
    if (this.#faults < OUTAGE_STREAK) return;
    // Calls that were in flight when the lane went down say nothing new: only a probe's fault makes pauses longer.
    if (this.#pausedUntil <= now) {
      this.#pause(now + Math.min(30_000, 1_000 * 2 ** Math.min(this.#outages, 5)), "outage");
      this.#outages += 1;
    }
    const parkAfterMs = this.#hasAnswered ? OUTAGE_PARK_MS : NEW_LANE_OUTAGE_PARK_MS;
    if (now - this.#failingSince >= parkAfterMs) this.#parked = "unreachable";
  }

  /** What the lane was doing when it was refused, per window: a burst's first second says little about a minute. */
  #measureRate(now: number, dimension: LimitDimension): number {
    if (dimension === "concurrency") return this.#inFlight(now) + 1;
    const inWindow = this.#inWindow(now);
    const used = dimension === "requests" ? inWindow.length : inWindow.reduce((sum, h) => sum + h.cost, 0);
    const oldest = inWindow.reduce((min, held) => Math.min(min, held.arrivesBy), now);
    const elapsed = Math.min(this.#settings.windowMs, Math.max(1_000, now - oldest));
    return (used * this.#settings.windowMs) / elapsed;
  }

  #inWindow(now: number): HeldReservation[] {
    return [...this.#held.values()].filter((held) => held.arrivesBy + this.#settings.windowMs > now);
  }

  #inFlight(now: number): number {
    let count = 0;
    for (const { leaseUntil } of this.#held.values()) if (leaseUntil !== undefined && leaseUntil > now) count += 1;
    return count;
  }

  /** Drops what neither window nor flight needs any more. */
  #dropExpired(now: number): void {
    for (const [id, held] of this.#held) {
      if (held.leaseUntil !== undefined && held.leaseUntil <= now) held.leaseUntil = undefined;
      if (held.leaseUntil !== undefined) continue;
      if (held.arrivesBy + this.#settings.windowMs <= now) this.#held.delete(id);
    }
  }
}

function configuredLimits(limits: LaneLimits): Record<LimitDimension, number> {
  return {
    requests: limits.requestsPerMinute || Number.POSITIVE_INFINITY,
    tokens: limits.tokensPerMinute || Number.POSITIVE_INFINITY,
    concurrency: limits.concurrency || Number.POSITIVE_INFINITY,
  };
}

function computeLearnedLimit({ from, peak, cutAt }: Learned, dimension: LimitDimension, now: number): number {
  return from + (Math.max(GROWTH[dimension], peak * 0.01) * Math.max(0, now - cutAt)) / 1_000;
}

function ceilToPositive(ms: number): number {
  return Math.max(1, Math.ceil(ms));
}
