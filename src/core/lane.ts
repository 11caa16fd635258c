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

/** What a rate limit counts, and the windows that it may count in. */
export const RATE_DIMENSIONS = ["requests", "tokens"] as const;
export type RateDimension = (typeof RATE_DIMENSIONS)[number];
export const LIMIT_WINDOWS = ["second", "minute", "hour", "day"] as const;
export type LimitWindow = (typeof LIMIT_WINDOWS)[number];

export type RateLimitField = `${RateDimension}Per${Capitalize<LimitWindow>}`;

export interface RateLimitName {
  readonly dimension: RateDimension;
  readonly window: LimitWindow;
  /** Its name in settings, options, and APIs. */
  readonly field: RateLimitField;
}

/** All rate limits that a lane may have, requests first, and the shortest window first. */
export const RATE_LIMITS: readonly RateLimitName[] = RATE_DIMENSIONS.flatMap((dimension) =>
  LIMIT_WINDOWS.map((window) => ({ dimension, window, field: `${dimension}Per${capitalize(window)}` as const })),
);

function capitalize<T extends string>(word: T): Capitalize<T> {
  return `${word.charAt(0).toUpperCase()}${word.slice(1)}` as Capitalize<T>;
}

/**
 * The limits of a lane: per window, and of calls in flight. Undefined means that no limit is known; the limiter then learns
 * one from throttle answers.
 */
export interface LaneLimits extends Readonly<Partial<Record<RateLimitField, number>>> {
  /** Upstream calls in flight at once, over all workers on all machines. */
  readonly concurrency?: number;
  /** `burst`: a window may be spent at once. `even`: calls are spaced by window / limit, for windows up to a minute. */
  readonly pacing?: "burst" | "even";
}

/** The limits among the fields of an object, without pacing. */
export function pickLimits(values: LaneLimits): Omit<LaneLimits, "pacing"> {
  const fields = [...RATE_LIMITS.map(({ field }) => field), "concurrency" as const];
  return Object.fromEntries(fields.flatMap((field) => (values[field] === undefined ? [] : [[field, values[field]]])));
}

/** A limit that the provider reported in the headers of a response. */
export interface ReportedLimit {
  readonly dimension: RateDimension;
  /** The window, if the header names another one than a minute. */
  readonly window?: LimitWindow;
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
