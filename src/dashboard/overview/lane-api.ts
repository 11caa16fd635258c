import type { LaneLimits, LimitWindow, RateDimension } from "#src/core/lane.ts";
import type { HangReport } from "#src/limiter/limiter.ts";

/**
 *   POST /api/lanes/limits    operator    SetLaneLimits -> LaneView
 *   POST /api/lanes/unpark    operator    { lane } -> LaneView
 */

/** One dimension of a limit. Requests and tokens are those of the last minute, concurrency is the calls in flight. */
export interface LimitUsageView {
  readonly used: number;
  /** The configured or manual limit; absent if none is known. */
  readonly allowed?: number;
  /** `allowed` was set manually for all workers. */
  readonly set?: true;
  /** `allowed` is the limit that the provider reported. */
  readonly reported?: true;
  /** A limit of more than a minute, such as a day, that the provider reported. `resetAt`: epoch ms. */
  readonly quota?: { readonly limit: number; readonly left: number; readonly resetAt: number };
  /** A lower limit after the provider throttled calls; it grows back to `allowed`. */
  readonly learned?: number;
}

export interface WindowUsageView extends LimitUsageView {
  readonly dimension: RateDimension;
  readonly window: LimitWindow;
}

export interface LaneView {
  /** "minimax/embo-01", "minimax:team-b/embo-01" */
  readonly name: string;
  readonly provider: string;
  readonly account: string;
  readonly model: string;
  readonly state: "open" | "snoozed" | "parked";
  /** Only while snoozed. */
  readonly snoozeUntil?: number;
  /** Why it is snoozed or parked. */
  readonly reason?: string;
  /** The error kind that `reason` starts with, if any. */
  readonly reasonKind?: string;
  readonly requests: LimitUsageView;
  readonly tokens: LimitUsageView;
  readonly concurrency: LimitUsageView;
  /** Known limits per second, hour, and day. */
  readonly windows?: readonly WindowUsageView[];
  /** Throttled calls since the lane's state was created; the state expires a week after its last use. */
  readonly throttles?: number;
  /** Average of the last five minutes. */
  readonly throttlesPerMinute?: number;
  /** Faults in a row. From five on the lane is out: one probe call at a time. */
  readonly faultStreak?: number;
  /** Calls that take much longer than usual; absent if no call has hung lately. */
  readonly hanging?: HangReport;
}

/** At least one limit, or `clear`. Limits are integers of 1 or more. */
export interface SetLaneLimits extends Omit<LaneLimits, "pacing"> {
  readonly lane: string;
  /** Clears all manual limits before the given limits are set. */
  readonly clear?: true;
}
