import { LIMIT_WINDOWS, type LimitWindow, RATE_DIMENSIONS, type ReportedLimit } from "#src/core/lane.ts";
import type { HttpHeaders } from "./transport.ts";
import { parseVendorDuration } from "./vendor-duration.ts";

interface HeaderNames {
  readonly dimension: ReportedLimit["dimension"];
  readonly limit: string;
  readonly remaining: string;
  readonly reset: string;
  /** The window, if the name of the header states it. */
  readonly window?: LimitWindow;
  /** The limit may be one per second, which says nothing about a minute. */
  readonly mayBePerSecond?: true;
}

const nameOpenai = (dimension: HeaderNames["dimension"]): HeaderNames => ({
  dimension,
  limit: `x-ratelimit-limit-${dimension}`,
  remaining: `x-ratelimit-remaining-${dimension}`,
  reset: `x-ratelimit-reset-${dimension}`,
});

const nameAnthropic = (dimension: HeaderNames["dimension"], counted: string = dimension): HeaderNames => ({
  dimension,
  limit: `anthropic-ratelimit-${counted}-limit`,
  remaining: `anthropic-ratelimit-${counted}-remaining`,
  reset: `anthropic-ratelimit-${counted}-reset`,
});

/** `x-ratelimit-limit-requests-day`, `x-ratelimit-limit-day`, and `x-ratelimit-limit-req-day`: Cerebras, Kong, Mistral. */
const NAMED_WINDOWS: readonly HeaderNames[] = RATE_DIMENSIONS.flatMap((dimension) =>
  LIMIT_WINDOWS.flatMap((window) =>
    (dimension === "tokens" ? ["tokens-"] : ["requests-", "", "req-"]).map((counted) => ({
      ...{ dimension, window, limit: `x-ratelimit-limit-${counted}${window}` },
      remaining: `x-ratelimit-remaining-${counted}${window}`,
      reset: `x-ratelimit-reset-${counted}${window}`,
    })),
  ),
);

/** The first family with a limit is used for its dimension and window. */
const FAMILIES: readonly HeaderNames[] = [
  ...NAMED_WINDOWS,
  nameOpenai("requests"),
  nameOpenai("tokens"),
  nameAnthropic("requests"),
  // The limit in force; that of input tokens is used where there is no common one.
  nameAnthropic("tokens"),
  nameAnthropic("tokens", "input-tokens"),
  {
    dimension: "requests",
    limit: "x-ratelimit-limit",
    remaining: "x-ratelimit-remaining",
    reset: "x-ratelimit-reset",
    mayBePerSecond: true,
  },
];

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** Rounding of the reset to whole seconds, as a share. */
const TOLERANCE = 0.05;
/** A limit per second is never reset later than this. */
const MAX_SECOND_RESET_MS = 5 * SECOND_MS;

/** The limits that the headers report, at most one per dimension and window. `now`: epoch ms. */
export function parseRateLimits(headers: HttpHeaders, now: number): readonly ReportedLimit[] {
  const limits: ReportedLimit[] = [];
  for (const names of FAMILIES) {
    const { dimension, window } = names;
    const isReported = (one: ReportedLimit) =>
      one.dimension === dimension && (window === undefined || (one.window ?? "minute") === window);
    if (limits.some(isReported)) continue;
    const limit = readCount(headers[names.limit]);
    if (limit === undefined || limit === 0) continue;
    const remaining = readCount(headers[names.remaining]);
    const resetMs = readReset(headers[names.reset], now);
    if (names.mayBePerSecond && (resetMs ?? 0) <= MAX_SECOND_RESET_MS) continue;
    const used = Math.max(0, limit - (remaining ?? limit));
    const period =
      window === undefined
        ? inferPeriod(limit, used, resetMs)
        : { window, isLong: window === "hour" || window === "day", isGradual: false };
    limits.push({ dimension, limit, remaining, resetMs, ...period });
  }
  return limits;
}

/** How long to wait after a refusal: until the last reset of a limit of which nothing is reported to be left. */
export function parseLimitReset(headers: HttpHeaders, now: number): number | undefined {
  const resets = FAMILIES.flatMap(({ remaining, reset }) =>
    (readCount(headers[remaining]) ?? 0) === 0 ? (readReset(headers[reset], now) ?? []) : [],
  );
  return resets.length > 0 ? Math.max(...resets) : undefined;
}

/**
 * Where a limit refills gradually, the time until it is complete again is proportional to its used share: the period is then a
 * minute, an hour or a day.
 */
function inferPeriod(limit: number, used: number, resetMs = 0): Pick<ReportedLimit, "isLong" | "isGradual"> {
  const period = used > 0 ? (resetMs * limit) / used : 0;
  const known = [MINUTE_MS, HOUR_MS, DAY_MS].find((ms) => Math.abs(period - ms) <= ms * TOLERANCE);
  const isLonger = resetMs > MINUTE_MS * (1 + TOLERANCE);
  if (known !== undefined) return { isLong: isLonger || known > MINUTE_MS, isGradual: true };
  return { isLong: isLonger, isGradual: false };
}

type HeaderValue = HttpHeaders[string];

function readText(value: HeaderValue): string | undefined {
  return (Array.isArray(value) ? value[0] : value)?.trim();
}

function readCount(value: HeaderValue): number | undefined {
  const text = readText(value);
  return text !== undefined && /^\d{1,15}(\.0+)?$/.test(text) ? Math.trunc(Number(text)) : undefined;
}

/** Seconds, milliseconds, a duration such as "6m0s", a date, or a time since 1970; at most a day. */
function readReset(value: HeaderValue, now: number): number | undefined {
  const text = readText(value);
  if (text === undefined) return undefined;
  const ms = /^\d{1,15}(\.\d{1,9})?$/.test(text)
    ? readNumericReset(Number(text), now)
    : (parseVendorDuration(text) ?? Date.parse(/[a-z]/i.test(text) ? text : "") - now);
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, Math.ceil(ms)), DAY_MS);
}

/** Numbers have no unit. Those that are too large for a wait in seconds are milliseconds, or times since 1970. */
function readNumericReset(value: number, now: number): number {
  if (value >= 1e12) return value - now;
  if (value >= 1e9) return value * SECOND_MS - now;
  return value * SECOND_MS > DAY_MS ? value : value * SECOND_MS;
}
