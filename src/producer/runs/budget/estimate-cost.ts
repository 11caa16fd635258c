import type { Item } from "#src/core/item.ts";
import { type AmountRange, estimateCostRange, type TokenPrice } from "#src/core/money.ts";
import { estimateChatTokens } from "#src/producer/run-kinds/batch/chat-jobs.ts";

/** The data of a model that a cost estimate needs. */
export interface PricedModel {
  readonly price: TokenPrice | undefined;
  readonly maxOutputTokens: number | undefined;
}

/** Requests in the sample; a few thousand give the average of any file to 1 or 2 %. */
const SAMPLE = 2_000;
/** Assumed maximum of output tokens if neither the request nor the model has one. */
const ANSWER_LIMIT = 4_096;

export type CostEstimate = AmountRange & { readonly currency: string };

/**
 * Estimates the cost of a chat run from an even sample of its requests. Undefined if the price of a model is unknown, or if
 * the prices are in several currencies. `at` is the time of the calls, epoch ms.
 */
export async function estimateChatCost(
  blocks: AsyncIterable<readonly Item[]>,
  items: number,
  modelOf: (item: Item) => PricedModel,
  at: number,
): Promise<CostEstimate | undefined> {
  const every = Math.max(1, Math.floor(items / SAMPLE));
  let [seen, low, expected, high] = [0, 0, 0, 0];
  let currency: string | undefined;
  for await (const block of blocks) {
    for (const item of block) {
      if (item.index % every !== 0) continue;
      const { price, maxOutputTokens } = modelOf(item);
      const { input, output, bounded } = estimateChatTokens(item);
      const limit = bounded ? output : Math.max(output, maxOutputTokens ?? ANSWER_LIMIT);
      const range = price && estimateCostRange(price, { input, output: limit }, at, bounded ? output / 2 : output);
      if (!range || (currency !== undefined && currency !== price.currency)) return undefined;
      currency = price.currency;
      seen += 1;
      // A duplicate needs no call of its own.
      if (item.duplicateOf !== undefined) continue;
      low += range.low;
      expected += range.expected;
      high += range.high;
    }
  }
  if (seen === 0 || currency === undefined) return undefined;
  const scale = items / seen;
  return { low: low * scale, expected: expected * scale, high: high * scale, currency };
}
