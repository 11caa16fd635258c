import type { LaneLimits } from "#src/core/lane.ts";
import { formatCount, formatMany } from "./format-number.ts";

/** "600 requests/min, 1,000,000 tokens/min, 8 concurrent calls"; empty without limits. */
export function formatLimits({ requestsPerMinute, tokensPerMinute, concurrency }: LaneLimits): string {
  return [
    requestsPerMinute === undefined ? [] : `${formatCount(requestsPerMinute)} requests/min`,
    tokensPerMinute === undefined ? [] : `${formatCount(tokensPerMinute)} tokens/min`,
    concurrency === undefined ? [] : formatMany(concurrency, "concurrent call"),
  ]
    .flat()
    .join(", ");
}
