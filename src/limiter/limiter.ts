import type { LimitDimension } from "#src/core/failures/errors.ts";
import type { Lane, LaneLimits, LimitWindow, RateLimitName, ReportedLimit } from "#src/core/lane.ts";

/**
 * Keeps the calls of a lane within the provider's limits. Requests and tokens are counted in sliding windows of a second, a
 * minute, an hour, and a day, concurrency by leases; a call is granted by all of them or not at all. A reservation counts
 * from the moment it is granted until its call can no longer be inside the provider's window, however long the request was in
 * transit: no sliding window of the provider ever sees more than the limits given here. Only a second is counted from the
 * grants, and holds if transits differ by less than 40 ms.
 */
export interface Limiter {
  /**
   * Asks for one reservation per element of `estimates` (estimated tokens of one call each). Grants the first of them
   * at once, as many as fit, and reports what the next one has to wait for; never waits itself. The first `interactive`
   * of them are calls that a person waits for: while one of those is refused and is asked for again, all bulk calls of
   * the lane are refused with the reason `interactive`.
   */
  reserve(lane: Lane, limits: LaneLimits, estimates: readonly number[], interactive?: number): Promise<ReserveReply>;
  /** Ends reservations. Idempotent: settling a reservation twice changes nothing. */
  settle(lane: Lane, settlements: readonly Settlement[]): Promise<SettleReply>;
  /**
   * The provider refused a call for its rate: snoozes the lane for all workers and lowers the learned limit. If less than
   * about one call in six is refused, only this call has to wait, and `waitMs` is 0.
   */
  throttle(lane: Lane, limits: LaneLimits, throttle: Throttle): Promise<{ readonly waitMs: number }>;
  /**
   * Records the limits that the headers of a response report. They apply from then on, below the configured limits, and what
   * other programs use of them is left free. Without limits, it records that the provider has answered: until then, a lane
   * without any known limit makes one call at a time, for at most `soloMs`.
   */
  report(lane: Lane, limits: readonly ReportedLimit[]): Promise<void>;
  /** Records the hanging calls of one worker, for a few seconds. */
  reportHanging(lane: Lane, worker: string, report: HangReport): Promise<void>;
  /** Stops the lane for all workers until `unpark`: no balance, a wrong key, or an unreachable provider. */
  park(lane: Lane, reason: string): Promise<void>;
  unpark(lane: Lane): Promise<void>;
  /** Extends the leases of calls that are still in flight; call it several times per lease. */
  renew(lane: Lane, ids: readonly string[]): Promise<void>;
  status(lane: Lane, limits: LaneLimits): Promise<LaneStatus>;
  /**
   * Sets manual limits, which override the limits given with each call, for all workers, until `clearLimits` or a week
   * after the lane was last used. Dimensions that are left out stay as they are. A new manual limit discards the
   * learned limit of its dimension, because the person who sets it knows better. Setting and clearing limits ends a wait that
   * the provider asked for.
   */
  setLimits(lane: Lane, limits: ManualLimits): Promise<void>;
  clearLimits(lane: Lane): Promise<void>;
}

/** Limits that a user set at run time. Pacing can only be configured. */
export type ManualLimits = Omit<LaneLimits, "pacing">;

export interface Reservation {
  readonly id: string;
  /** On the limiter's clock, epoch ms. */
  readonly grantedAt: number;
}

/** What a refused reservation has to wait for. */
export const WAIT_REASONS = [
  "requests",
  "tokens",
  "concurrency",
  "pacing",
  "snoozed",
  "parked",
  "interactive",
] as const;
export type WaitReason = (typeof WAIT_REASONS)[number];

export interface ReserveReply {
  readonly granted: readonly Reservation[];
  /** Set when fewer were granted than requested. `waitMs` is undefined when only the end of another call helps. */
  readonly wait?: { readonly reason: WaitReason; readonly waitMs?: number; readonly detail?: string };
}

export interface Settlement {
  readonly id: string;
  /**
   * `ok` ends an outage; `failed` changes nothing; `denied` (key, balance) allows only `firstCalls` until the next success; `fault` (network, server, timeout) counts towards an outage;
   * `suspect` is a fault of inputs that failed before and may be the cause themselves, so it counts only while the lane
   * is out; `unsent` frees the whole reservation, because no request was sent.
   */
  readonly outcome: "ok" | "failed" | "denied" | "fault" | "suspect" | "unsent";
  /** Tokens that the provider reported; without them the estimate is kept. */
  readonly tokens?: number;
  /**
   * How long ago the provider began to answer, in ms by a monotonic clock: the request had arrived by then. By default
   * it had arrived by now.
   */
  readonly answeredAgoMs?: number;
}

export interface SettleReply {
  /** Faults in a row on this lane, over all workers; 0 after a success. */
  readonly faultStreak: number;
  /** True when the lane has succeeded or was parked before: a refusal may then be caused by the input. */
  readonly hasHistory: boolean;
}

export interface Throttle {
  readonly dimension: LimitDimension;
  /** The window that the refusal names; by default it is inferred from what the lane has used. */
  readonly window?: LimitWindow;
  /**
   * The wait that the provider asked for; by default the limiter chooses one that grows with each throttle in a row.
   */
  readonly retryAfterMs?: number;
  /** When the refused call's reservation was granted: refused calls from before the last cut do not lead to another. */
  readonly grantedAt: number;
  /** Shown to users, with the provider's own words. By default, it names the dimension. */
  readonly reason?: string;
}

export interface LimitUsage {
  readonly used: number;
  /** The manual limit, or the lower one of the configured and the reported limit. */
  readonly allowed?: number;
  /** True when `allowed` is a manual limit. */
  readonly set?: true;
  /** True when `allowed` is the limit that the provider reported. */
  readonly reported?: true;
  /** A limit of more than a minute, such as a day, that the provider reported. */
  readonly quota?: Quota;
  /** Lower than `allowed` after throttle answers; grows back with time. */
  readonly learned?: number;
}

/** The use of a limit per second, hour, or day. */
export interface WindowUsage extends Omit<RateLimitName, "field">, LimitUsage {}

export interface Quota {
  readonly limit: number;
  readonly left: number;
  /** Until it is available again. */
  readonly resetMs: number;
}

/** Calls that take much longer than usual. */
export interface HangReport {
  /** In flight at this moment. */
  readonly calls: number;
  /** They take longer than this. */
  readonly limitMs: number;
  /** The median duration of a call. */
  readonly usualMs: number;
  /** Calls that were aborted, since the first one hung. */
  readonly aborted: number;
}

export interface LaneStatus {
  readonly state: "open" | "snoozed" | "parked";
  readonly snoozeMs?: number;
  readonly reason?: string;
  readonly requests: LimitUsage;
  readonly tokens: LimitUsage;
  readonly concurrency: LimitUsage;
  /** Known limits of other windows than a minute. */
  readonly windows: readonly WindowUsage[];
  readonly throttles: number;
  readonly faultStreak: number;
  /** Of all workers together; absent if no call has hung lately. */
  readonly hanging?: HangReport;
  /** Until the oldest call of the last minute no longer counts; undefined without one. */
  readonly minuteFreesMs?: number;
}

export interface LimiterOptions {
  /** Length of a minute; tests use shorter ones. The other windows follow it. */
  readonly windowMs?: number;
  /**
   * The longest time between a grant and the request's arrival at the provider that the limiter allows for. A call that
   * settles earlier proves an earlier arrival and leaves the window earlier.
   */
  readonly transitMs?: number;
  /** A reservation that is not renewed for this long belongs to a dead worker and no longer counts as in flight. */
  readonly leaseMs?: number;
  /** A lane without any known limit makes one call at a time for this long, or until its first answer. */
  readonly soloMs?: number;
  /** Bulk calls in flight at once on a lane that has not succeeded yet, or not since it was denied, parked, or idle for a window; 0 for no limit. */
  readonly firstCalls?: number;
}

export const LIMITER_DEFAULTS = {
  windowMs: 60_000,
  transitMs: 2_000,
  leaseMs: 20_000,
  soloMs: 10_000,
  firstCalls: 4,
} as const;
