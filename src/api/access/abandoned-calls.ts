import type { TokenPrice } from "#src/core/money.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import type { ApiKeyStore } from "#src/state/api-keys/api-key-store.ts";
import type { AbandonedCall, KeyUsage } from "#src/state/api-keys/key-usage.ts";
import { readOutcome } from "#src/state/items/item-store.ts";
import { recordUsage } from "#src/state/record-format/record-usage.ts";
import type { ReportedUse } from "./caller.ts";
import { computeUsedCost } from "./price-call.ts";

export interface AbandonedCallsDeps {
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly store: ApiKeyStore;
  readonly usage: KeyUsage;
  /** The price of "provider/model". */
  readonly findPrice: (model: string) => TokenPrice | undefined;
  readonly now: () => number;
}

/**
 * Settles the use of items whose requests have ended before them: their server died or stopped, or the client had to wait too
 * long. Until an item ends, its reservation is kept.
 */
export async function settleAbandonedCalls(deps: AbandonedCallsDeps): Promise<void> {
  const keys = await deps.store.list();
  await Promise.all(
    keys.map(async ({ id }) => {
      const calls = await deps.usage.listAbandoned(id);
      await Promise.all(calls.map((call) => settleIfEnded(id, call, deps)));
    }),
  );
}

async function settleIfEnded(keyId: string, { id, item }: AbandonedCall, deps: AbandonedCallsDeps): Promise<void> {
  // The server that ends a batch settles it, however long it takes.
  if ("batch" in item) return;
  const outcome = await readOutcome(deps.client, deps.keys, item.item);
  if (outcome === "waiting") return;
  // An item that has expired cost at most what was reserved for it; one without records was cancelled before its call.
  if (outcome === undefined) return await deps.usage.settle(keyId, id, {});
  const used = sumUse(outcome.records.map(recordUsage));
  const cost = computeUsedCost(deps.findPrice(item.model), used, deps.now());
  await deps.usage.settle(keyId, id, { tokens: (used.inputTokens ?? 0) + (used.outputTokens ?? 0), cost });
}

function sumUse(counts: readonly ReturnType<typeof recordUsage>[]): ReportedUse {
  const sum = { inputTokens: 0, outputTokens: 0, cachedTokens: 0, cacheWriteTokens: 0 };
  for (const { input, output, cachedInput, cacheWrite } of counts) {
    sum.inputTokens += input;
    sum.outputTokens += output;
    sum.cachedTokens += cachedInput;
    sum.cacheWriteTokens += cacheWrite;
  }
  return sum;
}
