import { parseLimitReset } from "./rate-limit-headers.ts";
import type { HttpHeaders } from "./transport.ts";

/** A longer wait indicates a wrong clock. */
const MAX_WAIT_MS = 24 * 60 * 60 * 1000;

/**
 * The wait that the headers of a refusal request, in whole ms, above 0 and at most a day. Reads `retry-after-ms`, then
 * `retry-after` as seconds or as a date, then the reset of a limit that is used up. Returns undefined for zero, negative, past
 * and invalid values.
 */
export function parseRetryAfter(headers: HttpHeaders, now: number): number | undefined {
  return (
    readNumber(headers["retry-after-ms"], 1) ??
    readSecondsOrDate(headers["retry-after"], now) ??
    (parseLimitReset(headers, now) || undefined)
  );
}

type HeaderValue = string | string[] | undefined;

function first(value: HeaderValue): string | undefined {
  return (Array.isArray(value) ? value[0] : value)?.trim();
}

function readNumber(value: HeaderValue, unitMs: number): number | undefined {
  const text = first(value);
  if (text === undefined || !/^\d+(\.\d+)?$/.test(text)) return undefined;
  return clamp(Number(text) * unitMs);
}

function readSecondsOrDate(value: HeaderValue, now: number): number | undefined {
  const seconds = readNumber(value, 1000);
  if (seconds !== undefined) return seconds;
  const text = first(value);
  // A date contains a letter ("Wed, 21 Oct ..."); Date.parse would read "-1" as a year.
  if (text === undefined || !/[a-z]/i.test(text)) return undefined;
  return clamp(Date.parse(text) - now);
}

function clamp(ms: number): number | undefined {
  return ms > 0 ? Math.min(Math.ceil(ms), MAX_WAIT_MS) : undefined;
}
