import type { LimitWindow, RateDimension } from "#src/core/lane.ts";
import type { HangReport } from "#src/limiter/limiter.ts";
import type { ModelCost } from "#src/producer/runs/run-manifest.ts";

/** The state of a run at one moment. A value that is not known is absent, never zero. */
export interface RunSnapshot {
  readonly runId: string;
  /** Given by a user. */
  readonly name?: string;
  /** "minimax/embo-01" */
  readonly model: string;
  readonly phase: RunPhase;
  readonly items: {
    readonly total: number;
    readonly succeeded: number;
    readonly failed: number;
    /** Queued or in a call. */
    readonly inFlight: number;
  };
  readonly itemsPerSecond?: number;
  readonly callsPerSecond?: number;
  readonly tokensPerSecond?: number;
  readonly calls: {
    readonly made: number;
    readonly succeeded: number;
    readonly paidTwice: number;
    readonly throttled: number;
    /** Redis lost counts: the numbers are lower bounds. */
    readonly isLowerBound?: boolean;
  };
  /** Inputs that were delayed because the provider asked to wait. */
  readonly snoozes: number;
  /** Inputs per call as a share of what a call may carry, 0 to 1. */
  readonly batchFill?: number;
  /** As reported by the provider. */
  readonly tokens: number;
  /** Extrapolated to the whole run; only present if some items need no call. */
  readonly expectedTokens?: number;
  readonly lanes: readonly LaneSnapshot[];
  readonly failuresByKind: Readonly<Record<string, number>>;
  /** Why all calls fail; absent while calls succeed. */
  readonly trouble?: OutageSnapshot;
  /** Absent if every result needed a call. */
  readonly reused?: ReusedStats;
  /** Absent if the price of a model is unknown, or if the prices are in several currencies. */
  readonly cost?: { readonly spent: number; readonly expected?: number; readonly currency: string };
  /** The cost of each model, if the run has several. */
  readonly costs?: readonly ModelCost[];
  /** Start of the current coordinator, epoch ms. */
  readonly startedAt: number;
  /** When the price falls that the run waits for, epoch ms. */
  readonly heldUntil?: number;
  /** Estimated remaining time. */
  readonly etaMs?: number;
  /** Number of living worker processes. */
  readonly workers: number;
}

/** The newest error of a run whose calls all fail. */
export interface OutageSnapshot {
  /** "network" */
  readonly kind: string;
  /** Contains no credential and nothing of the request. */
  readonly message: string;
  /** "minimax/embo-01" */
  readonly lane?: string;
  /** "host:port" of the lane's base URL, if known. */
  readonly address?: string;
  /** When the last call succeeded, or the run started, epoch ms. */
  readonly since: number;
}

/** Items that needed no call: duplicates of other items of the run, and items answered from the cache. */
export interface ReusedStats {
  readonly copies: number;
  readonly cached: number;
  /** The least number of upstream calls that they would have needed. */
  readonly calls: number;
  /** Tokens that the provider would have counted. */
  readonly tokens: number;
  /** Present if the price is known. */
  readonly cost?: { readonly amount: number; readonly currency: string };
}

export type RunPhase = "planning" | "running" | "paused" | "snoozing" | "parked" | "finishing" | "done";

export interface LaneSnapshot {
  /** "minimax/embo-01" */
  readonly name: string;
  readonly state: "open" | "snoozed" | "parked";
  /** Epoch ms. */
  readonly snoozeUntil?: number;
  /** When the limits per minute allow the next call, if they are used up and no call is in flight; epoch ms. */
  readonly nextCallAt?: number;
  readonly reason?: string;
  /** Calls that take much longer than usual; absent if no call has hung lately. */
  readonly hanging?: HangReport;
  readonly requests: LimitSnapshot;
  readonly tokens: LimitSnapshot;
  readonly concurrency: LimitSnapshot;
  /** Known limits per second, hour, and day. */
  readonly windows?: readonly WindowSnapshot[];
}

export interface WindowSnapshot extends LimitSnapshot {
  readonly dimension: RateDimension;
  readonly window: LimitWindow;
}

export interface LimitSnapshot {
  readonly used: number;
  readonly allowed?: number;
  /** `allowed` is a manual limit, which overrides the configuration. */
  readonly set?: true;
  /** `allowed` is the limit that the provider reported. */
  readonly reported?: true;
  /** A limit of more than a minute, such as a day, that the provider reported. */
  readonly quota?: QuotaSnapshot;
  /** Lower than `allowed` after throttled calls; grows back. */
  readonly learned?: number;
}

export interface QuotaSnapshot {
  readonly limit: number;
  readonly left: number;
  /** Epoch ms. */
  readonly resetAt: number;
}
