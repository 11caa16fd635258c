import { computed } from "@preact/signals";
import { language, translations } from "#src/dashboard/web/i18n/i18n.ts";
import {
  localizeBytes,
  localizeCompact,
  localizeCount,
  localizeMoney,
  localizePercent,
  type MaybeNumber,
} from "./format-number.ts";
import { localizeDuration, localizeTimestamp } from "./format-time.ts";

/** Formatters for the selected language; unknown values become a dash. */
export const formatters = computed(() => {
  const locale = language.value === "zh" ? "zh-CN" : "en-GB";
  const { units } = translations.value;
  return {
    count: (value: MaybeNumber) => localizeCount(value, locale),
    compact: (value: MaybeNumber) => localizeCompact(value, locale),
    share: (value: MaybeNumber) => localizePercent(value, locale),
    bytes: (value: MaybeNumber) => localizeBytes(value, locale),
    money: (value: MaybeNumber, currency: string | undefined) => localizeMoney(value, currency, locale),
    duration: (ms: MaybeNumber) => localizeDuration(ms, units),
    timestamp: (at: MaybeNumber, now: number) => localizeTimestamp(at, now, locale),
    /** Time from `at` to `now`, both on the server's clock; at least one second. */
    age: (at: MaybeNumber, now: number) =>
      localizeDuration(typeof at === "number" ? Math.max(1_000, now - at) : undefined, units),
  };
});
