import type { ApiError } from "#src/api/http/api-error.ts";
import type { Clock } from "#src/core/clock.ts";
import type { ProviderRegistry } from "#src/providers/registry.ts";
import type { ApiKeyStore } from "#src/state/api-keys/api-key-store.ts";
import type { KeyUsage } from "#src/state/api-keys/key-usage.ts";
import { ACCESS_ERRORS } from "./access-errors.ts";
import type { ExpectedUse } from "./caller.ts";
import { computeBudgetCost } from "./price-call.ts";

export interface BatchBudgetsDeps {
  readonly store: ApiKeyStore;
  readonly usage: KeyUsage;
  readonly registry: ProviderRegistry;
  readonly clock: Clock;
}

/** A batch whose cost counts towards the budgets of a key; without a key, nothing counts. */
export interface BudgetedBatch {
  readonly id: string;
  readonly keyId?: string | undefined;
}

/** What the answers of a model cost. */
interface ModelCost {
  readonly cost?: { readonly amount: number; readonly currency: string } | undefined;
}

/**
 * Reserves the highest possible cost of whole batches, and settles it when they end. Every step can be repeated, by any server.
 */
export class BatchBudgets {
  readonly #deps: BatchBudgetsDeps;

  constructor(deps: BatchBudgetsDeps) {
    this.#deps = deps;
  }

  /** Why the batch is refused, if it is. `calls` are those of all its requests. */
  async reserve({ id, keyId }: BudgetedBatch, calls: AsyncIterable<ExpectedUse>): Promise<ApiError | undefined> {
    const { store, usage, registry, clock } = this.#deps;
    const key = keyId === undefined ? undefined : await store.get(keyId);
    if (!key || (key.dailyBudget === undefined && key.monthlyBudget === undefined)) return undefined;
    let cost = 0;
    for await (const call of calls) {
      const most = computeBudgetCost(key, registry.findModel(call.model).model, call, clock.now());
      if (typeof most !== "number") return most;
      cost += most;
    }
    // Without the limits per minute, which do not apply to batches.
    const { requestsPerMinute: _, tokensPerMinute: __, ...budgeted } = key;
    const decision = await usage.admit(budgeted, id, { tokens: 0, cost });
    if (decision.refusedBy) return ACCESS_ERRORS.refused(key, decision.refusedBy, decision.retryAfterMs);
    await usage.attach(key.id, id, { batch: id });
    return undefined;
  }

  /** Replaces the reserved cost by that of the answers; an unknown cost keeps it, and none releases it. */
  async settle({ id, keyId }: BudgetedBatch, costs: readonly ModelCost[]): Promise<void> {
    if (keyId === undefined) return;
    const amounts = costs.map(({ cost }) => cost?.amount);
    const isKnown = amounts.every((amount) => amount !== undefined);
    const cost = isKnown ? amounts.reduce((sum: number, amount) => sum + (amount ?? 0), 0) : undefined;
    await this.#deps.usage.settle(keyId, id, { tokens: 0, cost });
  }
}
