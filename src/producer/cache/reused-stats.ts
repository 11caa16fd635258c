import { computeCost, type TokenPrice } from "#src/core/money.ts";
import type { ReusedStats } from "#src/producer/runs/progress/run-snapshot.ts";
import type { RecordCounts } from "#src/producer/storage/store-state.ts";

/**
 * What a run's records say was saved; undefined when every result took a call. `inputsPerCall` is what a call may
 * carry: calls are counted as if all were full, so at least so many were saved.
 */
export function computeCacheStats(
  { ok, failed, reused }: Pick<RecordCounts, "ok" | "failed" | "reused">,
  { inputsPerCall, price }: { readonly inputsPerCall: number; readonly price?: TokenPrice },
): ReusedStats | undefined {
  const { duplicates: copies, cached, tokens, outputTokens } = reused;
  if (copies + cached === 0) return undefined;
  const done = ok + failed;
  const calls = Math.ceil(done / inputsPerCall) - Math.ceil((done - copies - cached) / inputsPerCall);
  const amount = price && computeCost(price, { input: tokens - outputTokens, output: outputTokens });
  const cost = price && amount !== undefined ? { cost: { amount, currency: price.currency } } : {};
  return { copies, cached, calls, tokens, ...cost };
}

/** How many items are asked for in all, and have been: what a run will cost is told by these alone. */
export function countRequestedItems(
  { items, ok, failed, reused }: Pick<RecordCounts, "items" | "ok" | "failed" | "reused">,
  duplicates: { readonly count: number } | undefined,
): { readonly done: number; readonly total: number } {
  const { duplicates: copied, cached } = reused;
  const total = items - (duplicates?.count ?? 0) - cached;
  // Copies of failures are among those that failed.
  return { done: Math.min(total, ok + failed - copied - cached), total };
}
