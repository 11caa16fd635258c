import { formatCount, formatMany, formatMoney, formatShortCount } from "#src/cli/format/format-number.ts";
import type { ReusedStats } from "#src/producer/runs/progress/run-snapshot.ts";

/** "1,204 duplicates, 3,000 from the cache: 420 calls, 81.3k tokens, 0.12 CNY saved" */
export function describeSavings({ copies, cached, calls, tokens, cost }: ReusedStats): string {
  const sources = [
    copies > 0 ? [formatMany(copies, "duplicate")] : [],
    cached > 0 ? [`${copies > 0 ? formatCount(cached) : formatMany(cached, "item")} from the cache`] : [],
  ].flat();
  const saved = [
    calls === 0 ? [] : formatMany(calls, "call"),
    `${formatShortCount(tokens)} tokens`,
    cost === undefined ? [] : formatMoney(cost.amount, cost.currency),
  ].flat();
  return `${sources.join(", ")}: ${saved.join(", ")} saved`;
}
