/** A lane is what shares a limit: provider + account + model. */
export interface Lane {
  readonly provider: string;
  readonly account: string;
  readonly model: string;
}

/** "minimax/embo-01" or, for a second account, "minimax:team-b/embo-01". Used in keys, logs and screens. */
export function formatLane(lane: Lane): string {
  const account = lane.account === "default" ? "" : `:${lane.account}`;
  return `${lane.provider}${account}/${lane.model}`;
}

/** Reads what `formatLane` writes; undefined for anything else. */
export function parseLane(name: string): Lane | undefined {
  const parts = /^([^:/\s]+)(?::([^:/\s]+))?\/(\S+)$/.exec(name);
  const [, provider, account = "default", model] = parts ?? [];
  return provider === undefined || model === undefined ? undefined : { provider, account, model };
}

/** What a lane may spend. An absent figure means "no known limit"; throttle answers then teach one. */
export interface LaneLimits {
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  /** Upstream calls in flight at once, over all workers on all machines. */
  readonly concurrency?: number;
  /** `burst`: a window may be spent at once. `even`: grants keep a distance of window / limit. */
  readonly pacing?: "burst" | "even";
}

/** A lane with this many faults in a row is out: it gets one probe call at a time, and faults cost no attempt. */
export const OUTAGE_STREAK = 5;
