import type { Item } from "#src/core/item.ts";
import { type AmountRange, estimateCostRange, type TokenPrice } from "#src/core/money.ts";
import { estimateChatTokens } from "#src/producer/run-kinds/batch/chat-jobs.ts";

/** What is known of a model for an estimate of its costs. */
export interface PricedModel {
  readonly price: TokenPrice | undefined;
  readonly maxOutputTokens: number | undefined;
}

/** Requests looked at; a few thousand tell the average of any file to a percent or two. */
const SAMPLE = 2_000;
/** The most an answer may have when neither its request nor its model says. */
const ANSWER_LIMIT = 4_096;

export type CostEstimate = AmountRange & { readonly currency: string };

/**
 * What the answers to all requests of a chat run will cost, from an even sample of them. Undefined when the price of
 * one of its models is not known, or when they are in several currencies.
 */
export async function estimateChatCost(
  blocks: AsyncIterable<readonly Item[]>,
  items: number,
  modelOf: (item: Item) => PricedModel,
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
      const range = price && estimateCostRange(price, { input, output: limit }, bounded ? output / 2 : output);
      if (!range || (currency !== undefined && currency !== price.currency)) return undefined;
      currency = price.currency;
      seen += 1;
      // A copy is delivered with the item it is equal to.
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
