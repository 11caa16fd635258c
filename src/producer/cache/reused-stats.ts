import { computeTotalCost, type TokenPrice } from "#src/core/money.ts";
import type { ReusedStats } from "#src/producer/runs/progress/run-snapshot.ts";
import type { RecordCounts } from "#src/producer/storage/store-state.ts";

/**
 * Computes the calls, tokens and cost that a run has saved; undefined when every result needed a call. `inputsPerCall` is
 * the maximum per call: calls are counted as if all were full, so the result is a lower bound.
 */
export function computeCacheStats(
  { ok, failed, reused }: Pick<RecordCounts, "ok" | "failed" | "reused">,
  { inputsPerCall, price }: { readonly inputsPerCall: number; readonly price?: TokenPrice },
  now: number,
): ReusedStats | undefined {
  const { duplicates: copies, cached, tokens, outputTokens } = reused;
  if (copies + cached === 0) return undefined;
  const done = ok + failed;
  const calls = Math.ceil(done / inputsPerCall) - Math.ceil((done - copies - cached) / inputsPerCall);
  const amount = price && computeTotalCost(price, { input: tokens - outputTokens, output: outputTokens }, now);
  const cost = price && amount !== undefined ? { amount, currency: price.currency } : undefined;
  return { copies, cached, calls, tokens, cost };
}

/** Counts the items that need a call and those that are done; the estimated cost of a run depends only on these. */
export function countRequestedItems(
  { items, ok, failed, reused }: Pick<RecordCounts, "items" | "ok" | "failed" | "reused">,
  duplicates: { readonly count: number } | undefined,
): { readonly done: number; readonly total: number } {
  const { duplicates: copied, cached } = reused;
  const total = items - (duplicates?.count ?? 0) - cached;
  // Duplicates of failed items count as failed.
  return { done: Math.min(total, ok + failed - copied - cached), total };
}
