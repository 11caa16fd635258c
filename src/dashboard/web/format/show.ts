import { computed } from "@preact/signals";
import { language, words } from "../words/words.ts";
import {
  formatBytes,
  formatCount,
  formatMoney,
  formatShare,
  formatShort,
  type Known,
} from "./format-number.ts";
import { formatDuration, formatMoment } from "./format-time.ts";

/** Figures in the reader's language; whatever is not known is a dash. */
export const show = computed(() => {
  const locale = language.value === "zh" ? "zh-CN" : "en-GB";
  const { units } = words.value;
  return {
    count: (value: Known) => formatCount(value, locale),
    short: (value: Known) => formatShort(value, locale),
    share: (value: Known) => formatShare(value, locale),
    bytes: (value: Known) => formatBytes(value, locale),
    money: (value: Known, currency: string | undefined) => formatMoney(value, currency, locale),
    duration: (ms: Known) => formatDuration(ms, units),
    moment: (at: Known, now: number) => formatMoment(at, now, locale),
    /** How long before `now` it was: both on the server's clock. */
    age: (at: Known, now: number) =>
      formatDuration(typeof at === "number" ? Math.max(1_000, now - at) : undefined, units),
  };
});
