import type { LimitDimension } from "#src/core/errors.ts";
import type { Lane, LaneLimits } from "#src/core/lane.ts";

/**
 * One contract for everything that keeps a provider at its limit. Requests and tokens are counted in a sliding
 * window, concurrency by leases. A reservation counts from the moment it is granted until the call can no longer
 * be inside the provider's window, wherever in transit the request was: no sliding window of the provider ever
 * sees more than the limits given here.
 */
export interface Limiter {
  /**
   * Asks for one reservation per element of `wants` (estimated tokens of one call each); grants a prefix of them
   * at once or says how long to wait. Never waits itself. The first `urgent` of them are calls that a person waits
   * for: while one of those was refused and is asked for again, all others of the lane are, with the reason `urgent`.
   */
  reserve(lane: Lane, limits: LaneLimits, estimates: readonly number[], interactive?: number): Promise<ReserveReply>;
  /** Ends reservations. Idempotent: settling a reservation twice changes nothing. */
  settle(lane: Lane, settlements: readonly Settlement[]): Promise<SettleReply>;
  /** The provider refused a call for its rate: pauses the lane for everybody and lowers the learned limit. */
  throttle(lane: Lane, limits: LaneLimits, throttle: Throttle): Promise<{ readonly waitMs: number }>;
  /** Stops the lane for everybody until `unpark`: no money, wrong key, unreachable. */
  park(lane: Lane, reason: string): Promise<void>;
  unpark(lane: Lane): Promise<void>;
  /** Keeps reservations of calls still in flight from lapsing; call it several times per lease. */
  renew(lane: Lane, ids: readonly string[]): Promise<void>;
  status(lane: Lane, limits: LaneLimits): Promise<LaneStatus>;
  /**
   * Sets limits that win over those given with each call, for everybody, until `clearLimits` or a week after the
   * lane was last used. Figures left out stay as they are; what was learned in a dimension is forgotten with its new
   * figure, because the person who sets it knows better.
   */
  setLimits(lane: Lane, limits: ManualLimits): Promise<void>;
  clearLimits(lane: Lane): Promise<void>;
}

/** Limits a person set while workers run. Pacing stays a matter of configuration. */
export type ManualLimits = Omit<LaneLimits, "pacing">;

export interface Reservation {
  readonly id: string;
  /** On the limiter's clock, epoch ms. */
  readonly grantedAt: number;
}

export type WaitReason = "requests" | "tokens" | "concurrency" | "pacing" | "snoozed" | "parked" | "interactive";

export interface ReserveReply {
  readonly granted: readonly Reservation[];
  /** Set when fewer were granted than wanted. `waitMs` is undefined where only another call's end can help. */
  readonly wait?: { readonly reason: WaitReason; readonly waitMs?: number; readonly detail?: string };
}

export interface Settlement {
  readonly id: string;
  /**
   * `ok` ends an outage; `failed` changes nothing; `fault` (network, server, timeout)
   * counts towards an outage; `suspect` is a fault of inputs that failed before, which may be the cause themselves:
   * it counts only while the lane is out already; `unsent` gives everything back, because no request left here.
   */
  readonly outcome: "ok" | "failed" | "fault" | "suspect" | "unsent";
  /** Tokens the provider reported; absent keeps the estimate. */
  readonly tokens?: number;
  /**
   * How long ago the provider began to answer, on a clock that is never set: the request had arrived by then. Absent:
   * by now.
   */
  readonly answeredAgoMs?: number;
}

export interface SettleReply {
  /** Faults in a row on this lane, over all workers; 0 after a success. */
  readonly faultStreak: number;
}

export interface Throttle {
  readonly dimension: LimitDimension;
  /** What the provider asked for; absent lets the limiter choose, growing with each throttle in a row. */
  readonly retryAfterMs?: number;
  /** When the refused call's reservation was granted: refusals of calls from before the last cut do not cut again. */
  readonly grantedAt: number;
}

export interface LimitUsage {
  readonly used: number;
  /** The limit in force, before what was learned. */
  readonly allowed?: number;
  /** True where `allowed` was set with `setLimits`. */
  readonly set?: true;
  /** Lower than `allowed` after throttle answers, growing back with success. */
  readonly learned?: number;
}

export interface LaneStatus {
  readonly state: "open" | "snoozed" | "parked";
  readonly snoozeMs?: number;
  readonly reason?: string;
  readonly requests: LimitUsage;
  readonly tokens: LimitUsage;
  readonly concurrency: LimitUsage;
  readonly throttles: number;
  readonly faultStreak: number;
}

/**
 * Whoever is refused an urgent reservation has its place kept for so long after it said it would ask again: longer than
 * anybody pauses who lives, and no loss to others when it died.
 */
export const INTERACTIVE_HOLD_MS = 250;
/** Nobody pauses longer before asking again, however long the wait that was told. */
export const INTERACTIVE_MAX_WAIT_MS = 1_000;
/** When those who let an urgent call go first ask again. */
export const YIELD_RETRY_MS = 50;

/** Figures of the limiter itself, shared by both forms. */
export interface LimiterOptions {
  /** Length of the provider's window. 60 s for every provider known; tests use shorter ones. */
  readonly windowMs?: number;
  /**
   * Longest time between a grant and the request's arrival at the provider that the promise covers. A call that
   * settles earlier proves an earlier arrival and frees its place earlier.
   */
  readonly transitMs?: number;
  /** A reservation not renewed for this long belongs to a dead worker and stops counting as in flight. */
  readonly leaseMs?: number;
}

export const LIMITER_DEFAULTS = { windowMs: 60_000, transitMs: 2_000, leaseMs: 20_000 } as const;

/**
 * Added to the window: whole-millisecond rounding on both sides and clocks that run apart by up to 100 ppm
 * (6 ms in a minute).
 */
export const WINDOW_MARGIN_MS = 10;

/** Faults in a row after which the lane is taken to be out: one probe at a time, and faults cost no attempt. */
export const OUTAGE_STREAK = 5;

/** Faults of a lane that has answered before may last this long before it is parked as unreachable. */
export const OUTAGE_PARK_MS = 10 * 60_000;

/** A lane that never answered is more likely a wrong address than an outage: say so early. */
export const NEW_LANE_OUTAGE_PARK_MS = 20_000;

/**
 * A figure from outside (an estimate, a report, a header) as a whole number the sums can hold exactly: one NaN would
 * stay in them for ever, and a limit compared with NaN is no limit.
 */
export function clampToWholeNumber(value: number): number {
  return Number.isNaN(value) ? 0 : Math.min(1e12, Math.max(0, Math.ceil(value)));
}
