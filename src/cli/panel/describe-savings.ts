import { formatCount, formatMany, formatMoney, formatShortCount } from "#src/cli/format/format-number.ts";
import type { ReusedStats } from "#src/producer/runs/progress/run-snapshot.ts";

/** "1,204 items equal to another, 3,000 from the cache: 420 calls, 81.3 k tokens, 0.12 CNY saved" */
export function describeSavings({ copies, cached, calls, tokens, cost }: ReusedStats): string {
  const sources = [
    ...(copies > 0 ? [`${formatMany(copies, "item")} equal to another`] : []),
    ...(cached > 0 ? [`${copies > 0 ? formatCount(cached) : formatMany(cached, "item")} from the cache`] : []),
  ];
  const saved = [
    formatMany(calls, "call"),
    `${formatShortCount(tokens)} tokens`,
    ...(cost === undefined ? [] : [formatMoney(cost.amount, cost.currency)]),
  ];
  return `${sources.join(", ")}: ${saved.join(", ")} saved`;
}
