import { DASH, isKnown, type MaybeNumber } from "./format-number.ts";

/** Localized short names of time units. */
export interface TimeUnits {
  readonly ms: string;
  readonly second: string;
  readonly minute: string;
  readonly hour: string;
  readonly day: string;
}

/** A duration in at most two units: "120 ms", "4.2 s", "3 min 20 s", "2 h 5 min". */
export function localizeDuration(ms: MaybeNumber, units: TimeUnits): string {
  if (!isKnown(ms)) return DASH;
  if (ms < 0) return `0 ${units.second}`;
  if (ms < 999.5) return `${ms < 10 && ms > 0 ? ms.toFixed(1) : Math.round(ms)} ${units.ms}`;
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} ${units.second}`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} ${units.second}`;
  if (seconds < 3600) return formatTwoUnits(seconds, 60, units.minute, 1, units.second);
  if (seconds < 86_400) return formatTwoUnits(seconds, 3600, units.hour, 60, units.minute);
  return formatTwoUnits(seconds, 86_400, units.day, 3600, units.hour);
}

function formatTwoUnits(seconds: number, large: number, largeUnit: string, small: number, smallUnit: string): string {
  const first = Math.floor(seconds / large);
  const second = Math.floor((seconds % large) / small);
  return second === 0 ? `${first} ${largeUnit}` : `${first} ${largeUnit} ${second} ${smallUnit}`;
}

/** "14:03:07" in the local time zone, with the date if it is not the day of `now`. */
export function localizeTimestamp(at: MaybeNumber, now: number, locale: string): string {
  if (!isKnown(at)) return DASH;
  const date = new Date(at);
  const time = date.toLocaleTimeString(locale, { hour12: false });
  return date.toDateString() === new Date(now).toDateString()
    ? time
    : `${date.toLocaleDateString(locale, { year: "numeric", month: "short", day: "numeric" })} ${time}`;
}
