import { costOf, type TokenPrice } from "../../core/money.ts";
import type { ReuseFigures } from "../run-snapshot.ts";
import type { RecordCounts } from "../sink/store-state.ts";

/**
 * What a run's records say was saved; undefined when every result took a call. `inputsPerCall` is what a call may
 * carry: calls are counted as if all were full, so at least so many were saved.
 */
export function reuseFigures(
  { ok, failed, reused }: Pick<RecordCounts, "ok" | "failed" | "reused">,
  { inputsPerCall, price }: { readonly inputsPerCall: number; readonly price?: TokenPrice },
): ReuseFigures | undefined {
  const { copies, cached, tokens, outputTokens } = reused;
  if (copies + cached === 0) return undefined;
  const done = ok + failed;
  const calls = Math.ceil(done / inputsPerCall) - Math.ceil((done - copies - cached) / inputsPerCall);
  const amount = price && costOf(price, { input: tokens - outputTokens, output: outputTokens });
  const cost = price && amount !== undefined ? { cost: { amount, currency: price.currency } } : {};
  return { copies, cached, calls, tokens, ...cost };
}
