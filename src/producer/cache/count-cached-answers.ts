import type { Item } from "#src/core/item.ts";
import { AnswerCache } from "./answer-cache.ts";
import type { ComputeAnswerKey } from "./answer-key.ts";

/** Items of a plan with a cached answer. The answers are not read, so one may still turn out to be damaged. */
export interface CachedAnswerCounts {
  readonly items: number;
  /** Estimated. */
  readonly tokens: number;
}

/** Counts the items, without duplicates, that have a cached answer; 0 if the folder does not exist. */
export async function countCachedAnswers(
  folder: string,
  computeKey: ComputeAnswerKey,
  blocks: AsyncIterable<readonly Item[]>,
): Promise<CachedAnswerCounts> {
  const cache = await AnswerCache.openReadOnly(folder);
  let [items, tokens] = [0, 0];
  try {
    for await (const block of blocks) {
      for (const item of block) {
        const key = item.duplicateOf === undefined ? computeKey(item) : undefined;
        if (!key || !cache.has(key)) continue;
        items += 1;
        tokens += item.tokens;
      }
    }
  } finally {
    await cache.close();
  }
  return { items, tokens };
}
