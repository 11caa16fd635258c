import type { Item } from "#src/core/item.ts";
import { AnswerCache } from "./answer-cache.ts";
import type { ComputeAnswerKey } from "./answer-key.ts";

/** What a cache would answer of a plan. Nothing is read of the answers: one of them may turn out damaged. */
export interface CachedAnswerCounts {
  readonly items: number;
  /** Estimated. */
  readonly tokens: number;
}

/** How many of these items, copies aside, a cache has answers for; none without a folder. */
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
