/**
 *   POST /api/lanes/limits    operator    SetLaneLimits -> LaneView
 *   POST /api/lanes/unpark    operator    { lane } -> LaneView
 */

/** One dimension of a limit. Requests and tokens: within the last minute. Concurrency: calls at this moment. */
export interface LimitUsageView {
  readonly used: number;
  /** The limit in force, before what was learned; absent: no known limit. */
  readonly allowed?: number;
  /** `allowed` was set by a person for all workers. */
  readonly set?: true;
  /** Below `allowed` after throttle answers, growing back. */
  readonly learned?: number;
}

export interface LaneView {
  /** "minimax/embo-01", "minimax:team-b/embo-01" */
  readonly name: string;
  readonly provider: string;
  readonly account: string;
  readonly model: string;
  readonly state: "open" | "snoozed" | "parked";
  /** While snoozed. */
  readonly snoozeUntil?: number;
  /** Why it is snoozed or parked. */
  readonly reason?: string;
  /** What `reason` begins with, where it is a kind of error. */
  readonly reasonKind?: string;
  readonly requests: LimitUsageView;
  readonly tokens: LimitUsageView;
  readonly concurrency: LimitUsageView;
  /** Throttle answers since the lane's state began (a week after its last use it is forgotten). */
  readonly throttles?: number;
  /** Of the last five minutes. */
  readonly throttlesPerMinute?: number;
  /** Faults in a row; five or more: the lane is out, one probe at a time. */
  readonly faultStreak?: number;
}

/** At least one figure, or `clear`. Figures are whole numbers of 1 or more. */
export interface SetLaneLimits {
  readonly lane: string;
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  readonly concurrency?: number;
  /** Takes back everything that was set before the figures given are set. */
  readonly clear?: true;
}
