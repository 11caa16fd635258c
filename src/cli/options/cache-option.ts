import { join, resolve } from "node:path";
import type { Config } from "#src/config/config.ts";
import { InputError } from "#src/core/failures/errors.ts";
import type { ComputeAnswerKey } from "#src/producer/cache/answer-key.ts";
import { type CachedAnswerCounts, countCachedAnswers } from "#src/producer/cache/count-cached-answers.ts";
import type { AnswerCacheSettings } from "#src/producer/cache/open-answer-resolver.ts";
import { readItems } from "#src/producer/storage/read-items.ts";

export interface CacheCommandOptions {
  /** A folder, or true for the default folder. */
  readonly cache?: string | true;
  /** Bytes. */
  readonly cacheSize?: number;
}

const DEFAULT_CACHE_BYTES = 2e9;

/** The cache of a command line; undefined without --cache. */
export function resolveCacheFolder(
  config: Config,
  { cache, cacheSize }: CacheCommandOptions,
): AnswerCacheSettings | undefined {
  if (cache === undefined) {
    if (cacheSize === undefined) return undefined;
    throw new InputError("requires --cache", "--cache-size");
  }
  return {
    folder: cache === true ? join(config.home, ".sluice", "cache") : resolve(cache),
    maxBytes: cacheSize ?? DEFAULT_CACHE_BYTES,
    listAddresses: (provider) => listAddresses(config, provider),
  };
}

/** How many items that are planned in `dir` the cache would answer; none without a cache. */
export async function countCachedItems(
  cache: AnswerCacheSettings | undefined,
  computeKey: (cache: AnswerCacheSettings) => ComputeAnswerKey,
  dir: string,
): Promise<CachedAnswerCounts> {
  if (!cache) return { items: 0, tokens: 0 };
  return await countCachedAnswers(cache.folder, computeKey(cache), readItems(dir));
}

/** All base URLs of a provider's accounts. Cached answers depend on them, but not on the account. */
function listAddresses(config: Config, provider: string): string[] {
  const addresses = config.accounts(provider).flatMap(({ baseUrl, extra }) => {
    const others = Object.entries(extra).filter(([field]) => field.endsWith("BaseUrl"));
    return [baseUrl, ...others.map(([, address]) => address.reveal())];
  });
  return [...new Set(addresses)].sort();
}
