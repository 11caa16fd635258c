import type { Item } from "../../core/item.ts";
import { AnswerCache } from "./answer-cache.ts";
import type { KeyOf } from "./answer-key.ts";

/** What a cache would answer of a plan. Nothing is read of the answers: one of them may turn out damaged. */
export interface KnownAnswers {
  readonly items: number;
  /** Estimated. */
  readonly tokens: number;
}

/** How many of these items, copies aside, a cache has answers for; none without a folder. */
export async function previewReuse(
  folder: string,
  keyOf: KeyOf,
  blocks: AsyncIterable<readonly Item[]>,
): Promise<KnownAnswers> {
  const cache = await AnswerCache.look(folder);
  let [items, tokens] = [0, 0];
  try {
    for await (const block of blocks) {
      for (const item of block) {
        const key = item.sameAs === undefined ? keyOf(item) : undefined;
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
