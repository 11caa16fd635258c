import type { ModelCost } from "#src/producer/runs/run-manifest.ts";
import { formatMany, formatMoney, formatShortCount } from "./format-number.ts";

/** What the models with a known price have cost together: "0.20 USD + 1.00 CNY, without 1 model"; undefined if there are none. */
export function formatKnownCost(costs: readonly ModelCost[] = []): string | undefined {
  const sums = new Map<string, number>();
  let unpriced = 0;
  for (const { tokens, cost } of costs) {
    if (cost) sums.set(cost.currency, (sums.get(cost.currency) ?? 0) + cost.amount);
    else if (tokens > 0) unpriced += 1;
  }
  if (sums.size === 0) return undefined;
  const known = [...sums].map(([currency, amount]) => formatMoney(amount, currency)).join(" + ");
  return unpriced === 0 ? known : `${known}, without ${formatMany(unpriced, "model")}`;
}

/** "1.2k tokens, 0.20 USD" */
export function formatModelCost({ tokens, cost }: ModelCost): string {
  const price = cost ? formatMoney(cost.amount, cost.currency) : "price unknown";
  return `${formatShortCount(tokens)} tokens, ${price}`;
}
