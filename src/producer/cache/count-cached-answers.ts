import { existsSync } from "node:fs";
import type { Item } from "#src/core/item.ts";
import { openDatabase } from "#src/sqlite/open-database.ts";
import type { ComputeAnswerKey } from "./answer-key.ts";
import { CACHE_APPLICATION_ID, getCachePath, toEntryKey } from "./cache-database.ts";

/** Items of a plan with a cached answer. The answers are not read, so one may still turn out to be damaged. */
export interface CachedAnswerCounts {
  readonly items: number;
  /** Estimated. */
  readonly tokens: number;
}

/** Counts the items, without duplicates, that have a cached answer; 0 if the folder has no cache. Changes nothing. */
export async function countCachedAnswers(
  folder: string,
  computeKey: ComputeAnswerKey,
  blocks: AsyncIterable<readonly Item[]>,
): Promise<CachedAnswerCounts> {
  let [items, tokens] = [0, 0];
  const path = getCachePath(folder);
  if (!existsSync(path)) return { items, tokens };
  const options = { synchronous: "normal", applicationId: CACHE_APPLICATION_ID, readOnly: true } as const;
  using database = openDatabase(path, options).database;
  const find = database.prepare("SELECT 1 FROM entries WHERE key = ?");
  for await (const block of blocks) {
    for (const item of block) {
      const key = item.duplicateOf === undefined ? computeKey(item) : undefined;
      if (!key || !find.get(toEntryKey(key))) continue;
      items += 1;
      tokens += item.tokens;
    }
  }
  return { items, tokens };
}
