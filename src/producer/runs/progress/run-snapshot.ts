/** How far a run is, for people and programs that watch it. A figure that is not known is absent, never zero. */
export interface RunSnapshot {
  readonly runId: string;
  /** "minimax/embo-01" */
  readonly model: string;
  readonly phase: RunPhase;
  readonly items: {
    readonly total: number;
    readonly succeeded: number;
    readonly failed: number;
    /** In Redis: queued or inside a call. */
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
  };
  /** Inputs put back because the provider asked to wait. */
  readonly snoozes: number;
  /** Inputs per call as a share of what a call may carry, 0 to 1. */
  readonly batchFill?: number;
  /** As the provider reported. */
  readonly tokens: number;
  /** Of the whole run, as far as its records tell; only where some items take no call, else all are alike. */
  readonly expectedTokens?: number;
  readonly lanes: readonly LaneSnapshot[];
  readonly failuresByKind: Readonly<Record<string, number>>;
  /** Why nothing succeeds at present; absent while calls are answered. */
  readonly trouble?: OutageSnapshot;
  /** Absent while every result took a call. */
  readonly reused?: ReusedStats;
  readonly cost?: { readonly spent: number; readonly expected?: number; readonly currency: string };
  /** Epoch ms; of this session, not of the run's first one. */
  readonly startedAt: number;
  /** Time remaining. */
  readonly etaMs?: number;
  /** Worker processes alive. */
  readonly workers: number;
}

/** What the newest call ended with, of a run whose calls all fail. */
export interface OutageSnapshot {
  /** "network" */
  readonly kind: string;
  /** Holds no credential and nothing of what was sent. */
  readonly message: string;
  /** "minimax/embo-01" */
  readonly lane?: string;
  /** "host:port" of the lane's base URL, where it is known. */
  readonly address?: string;
  /** When the last call was answered, or the run began: epoch ms. */
  readonly since: number;
}

/** What was not asked for twice: items delivered from an equal one of the run, and items answered from the cache. */
export interface ReusedStats {
  readonly copies: number;
  readonly cached: number;
  /** Upstream calls that all of them together would have taken, at least. */
  readonly calls: number;
  /** What the provider would have counted. */
  readonly tokens: number;
  /** Where the price is known. */
  readonly cost?: { readonly amount: number; readonly currency: string };
}

export type RunPhase = "planning" | "running" | "paused" | "snoozing" | "parked" | "finishing" | "done";

export interface LaneSnapshot {
  /** "minimax/embo-01" */
  readonly name: string;
  readonly state: "open" | "snoozed" | "parked";
  /** Epoch ms. */
  readonly snoozeUntil?: number;
  readonly reason?: string;
  readonly requests: LimitSnapshot;
  readonly tokens: LimitSnapshot;
  readonly concurrency: LimitSnapshot;
}

export interface LimitSnapshot {
  readonly used: number;
  readonly allowed?: number;
  /** `allowed` was set by a person for all workers, whatever is configured. */
  readonly set?: true;
  /** Below `allowed` after throttle answers, growing back. */
  readonly learned?: number;
}
