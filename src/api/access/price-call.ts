import type { ApiError } from "#src/api/http/api-error.ts";
import { computeCost, ESTIMATE_ERROR, type TokenPrice } from "#src/core/money.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { ModelData } from "#src/providers/provider.ts";
import type { ApiKey } from "#src/state/api-keys/api-key.ts";
import { ACCESS_ERRORS } from "./access-errors.ts";
import type { ExpectedUse, ReportedUse } from "./caller.ts";

/** The most that a call can cost; undefined when the price of the model is unknown. */
function computeMaxCost(model: ModelData, expected: ExpectedUse, at: number): number | undefined {
  const { inputTokens, outputTokens, isOutputLimited = true, answers = 1 } = expected;
  const longest = (model.maxOutputTokens ?? model.maxTokens ?? 0) * answers;
  const output = isOutputLimited ? outputTokens : Math.max(outputTokens, longest);
  return model.price && computeCost(model.price, { input: inputTokens * (1 + ESTIMATE_ERROR), output }, at);
}

/** The most that a call can cost in the currency of a key's budgets, or why they cannot be kept for this model. */
export function computeBudgetCost(key: ApiKey, model: ModelData, expected: ExpectedUse, at: number): number | ApiError {
  const cost = computeMaxCost(model, expected, at);
  const currency = cost === undefined ? undefined : model.price?.currency;
  if (cost !== undefined && currency === key.currency) return cost;
  return ACCESS_ERRORS.budgetWithoutPrice(expected.model, key.currency, currency);
}

/** Tokens of a call; undefined if the provider reported none. */
export function countUsedTokens({ inputTokens, outputTokens, totalTokens }: ReportedUse): number | undefined {
  if (totalTokens !== undefined) return totalTokens;
  return inputTokens === undefined ? outputTokens : inputTokens + (outputTokens ?? 0);
}

/** What a call cost; undefined when what was reported does not show it. */
export function computeUsedCost(price: TokenPrice | undefined, used: ReportedUse, at: number): number | undefined {
  if (!price) return undefined;
  const { inputTokens, outputTokens = 0, totalTokens, cachedTokens, cacheWriteTokens } = used;
  if (inputTokens !== undefined) {
    const cached = omitUndefined({ cachedInput: cachedTokens, cacheWrite: cacheWriteTokens });
    return computeCost(price, { input: inputTokens, output: outputTokens, ...cached }, at);
  }
  if (totalTokens === undefined) return undefined;
  // Nobody knows how many of them are output, so they count at the higher rate.
  const input = computeCost(price, { input: totalTokens, output: 0 }, at);
  const output = computeCost(price, { input: 0, output: totalTokens }, at);
  return input === undefined ? output : Math.max(input, output ?? 0);
}
