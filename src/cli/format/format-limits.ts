import { type LaneLimits, type LimitWindow, RATE_LIMITS } from "#src/core/lane.ts";
import { formatCount, formatMany } from "./format-number.ts";

const WINDOW_UNITS: Readonly<Record<LimitWindow, string>> = { second: "s", minute: "min", hour: "h", day: "day" };

/** "requests/min" */
export function formatLimitUnit(dimension: string, window: LimitWindow): string {
  return `${dimension}/${WINDOW_UNITS[window]}`;
}

/** "600 requests/min, 1,000,000 tokens/min, 8 concurrent calls"; empty without limits. */
export function formatLimits(limits: LaneLimits): string {
  const { concurrency } = limits;
  return [
    ...RATE_LIMITS.flatMap(({ dimension, window, field }) => {
      const limit = limits[field];
      return limit === undefined ? [] : `${formatCount(limit)} ${formatLimitUnit(dimension, window)}`;
    }),
    ...(concurrency === undefined ? [] : [formatMany(concurrency, "concurrent call")]),
  ].join(", ");
}
