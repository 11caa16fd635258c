import type { HttpHeaders } from "./transport.ts";

/** A longer wait indicates a wrong clock. */
const MAX_WAIT_MS = 24 * 60 * 60 * 1000;

/**
 * The wait that the headers request, in whole ms, above 0 and at most a day. Reads `retry-after-ms`, then `retry-after` as
 * seconds or as a date. Returns undefined for zero, negative, past and invalid values.
 */
export function parseRetryAfter(headers: HttpHeaders, now: number): number | undefined {
  return readNumber(headers["retry-after-ms"], 1) ?? readSecondsOrDate(headers["retry-after"], now);
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A duration such as "12.5s", "6m0s" or "88ms" in whole ms; undefined for any other text. */
export function parseVendorDuration(text: string | undefined): number | undefined {
  if (text === undefined || !/^(\d{1,9}(\.\d{1,9})?(ms|[smhd])){1,5}$/.test(text)) return undefined;
  let ms = 0;
  for (const [, value, unit = ""] of text.matchAll(/([\d.]+)(ms|[smhd])/g)) ms += Number(value) * (UNITS_MS[unit] ?? 0);
  return Math.ceil(ms);
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
