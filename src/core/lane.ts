/** Provider, account and model; everything that shares one rate limit. */
export interface Lane {
  readonly provider: string;
  readonly account: string;
  readonly model: string;
}

/**
 * "minimax/embo-01" or, for an account other than "default", "minimax:team-b/embo-01". Used in keys, logs and the UI.
 */
export function formatLane(lane: Lane): string {
  const account = lane.account === "default" ? "" : `:${lane.account}`;
  return `${lane.provider}${account}/${lane.model}`;
}

/** Parses the output of `formatLane`; undefined for any other text. */
export function parseLane(name: string): Lane | undefined {
  const parts = /^([^:/\s]+)(?::([^:/\s]+))?\/(\S+)$/.exec(name);
  const [, provider, account = "default", model] = parts ?? [];
  return provider === undefined || model === undefined ? undefined : { provider, account, model };
}

/** The limits of a lane. Undefined means that no limit is known; the limiter then learns one from throttle answers. */
export interface LaneLimits {
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  /** Upstream calls in flight at once, over all workers on all machines. */
  readonly concurrency?: number;
  /** `burst`: a window may be spent at once. `even`: calls are spaced by window / limit. */
  readonly pacing?: "burst" | "even";
}

/** A limit that the provider reported in the headers of a response. */
export interface ReportedLimit {
  readonly dimension: "requests" | "tokens";
  readonly limit: number;
  /** What is left of it, for all programs that use the account; absent if it was not reported. */
  readonly remaining?: number;
  /** Until the limit is available again, in ms. */
  readonly resetMs?: number;
  /** The limit applies to more than a minute, such as a day. */
  readonly isLong: boolean;
  /** The limit becomes available again steadily until the reset, and not all at once. */
  readonly isGradual: boolean;
}

/** A lane with this many faults in a row is out: it gets one probe call at a time, and faults cost no attempt. */
export const OUTAGE_STREAK = 5;

/** The reason of a lane that is parked because a canary did not match starts with this. */
export const CANARY_PARK_PREFIX = "canary: ";
