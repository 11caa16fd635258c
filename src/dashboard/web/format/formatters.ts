import { computed } from "@preact/signals";
import { language, translations } from "#src/dashboard/web/i18n/i18n.ts";
import {
  formatBytes,
  formatCompact,
  formatCount,
  formatMoney,
  formatPercent,
  type MaybeNumber,
} from "./format-number.ts";
import { formatDuration, formatTimestamp } from "./format-time.ts";

/** Formatters for the selected language; unknown values become a dash. */
export const formatters = computed(() => {
  const locale = language.value === "zh" ? "zh-CN" : "en-GB";
  const { units } = translations.value;
  return {
    count: (value: MaybeNumber) => formatCount(value, locale),
    compact: (value: MaybeNumber) => formatCompact(value, locale),
    share: (value: MaybeNumber) => formatPercent(value, locale),
    bytes: (value: MaybeNumber) => formatBytes(value, locale),
    money: (value: MaybeNumber, currency: string | undefined) => formatMoney(value, currency, locale),
    duration: (ms: MaybeNumber) => formatDuration(ms, units),
    timestamp: (at: MaybeNumber, now: number) => formatTimestamp(at, now, locale),
    /** Time from `at` to `now`, both on the server's clock; at least one second. */
    age: (at: MaybeNumber, now: number) =>
      formatDuration(typeof at === "number" ? Math.max(1_000, now - at) : undefined, units),
  };
});
