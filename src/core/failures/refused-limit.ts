import { LIMIT_WINDOWS, type LimitWindow } from "#src/core/lane.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { LimitDimension, ProviderError } from "./errors.ts";

/** Abbreviations such as QPS, RPM, and TPD, phrases such as "per day", and Google's quota ids ("RequestsPerDay"). */
const WINDOW_WORDS: Readonly<Record<LimitWindow, RegExp>> = {
  second: /\b[QRT]PS\b|per[ _-]?sec(?:ond)?\b|PerSecond|每秒|req\/s\b/i,
  minute: /\b[QRTI]PM\b|per[ _-]?min(?:ute)?\b|PerMinute|每分钟/i,
  hour: /\b[QRT]PH\b|per[ _-]?hour\b|\bhourly\b|PerHour|每小时/i,
  day: /\b[QRT]PD\b|per[ _-]?day\b|\bdaily\b|PerDay|每日|每天|当日/i,
};

/** The window that a text names; undefined if it names none or several. */
export function findLimitWindow(text: string): LimitWindow | undefined {
  const named = LIMIT_WINDOWS.filter((window) => WINDOW_WORDS[window].test(text));
  return named.length === 1 ? named[0] : undefined;
}

/** The limit that a refusal names. The provider's words say more than the code, whose meaning is often "the rate limit". */
export function readRefusedLimit(error: ProviderError): { dimension: LimitDimension; window?: LimitWindow } {
  const window = error.window ?? findLimitWindow(error.providerMessage ?? "") ?? findLimitWindow(error.message);
  return omitUndefined({ dimension: error.dimension ?? "requests", window });
}
