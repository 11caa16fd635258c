import { join, resolve } from "node:path";
import type { Config } from "../config.ts";
import { InputError } from "../core/errors.ts";
import { readSpool } from "../producer/plan/read-spool.ts";
import type { KeyOf } from "../producer/reuse/answer-key.ts";
import type { CacheFolder, ReuseSource } from "../producer/reuse/open-reuse.ts";
import { type KnownAnswers, previewReuse } from "../producer/reuse/preview-reuse.ts";
import type { RedisLink } from "./redis-link.ts";

export interface CacheCommandOptions {
  /** A folder, or true for the usual one. */
  readonly cache?: string | true;
  /** Bytes. */
  readonly cacheSize?: number;
}

const DEFAULT_CACHE_BYTES = 2e9;

/** The cache that a command line asks for; undefined when it asks for none. */
export function cacheFolder(
  config: Config,
  { cache, cacheSize }: CacheCommandOptions,
): CacheFolder | undefined {
  if (cache === undefined) {
    if (cacheSize === undefined) return undefined;
    throw new InputError("there is no cache to bound; add --cache", "--cache-size");
  }
  return {
    folder: cache === true ? join(config.home, ".sluice", "cache") : resolve(cache),
    maxBytes: cacheSize ?? DEFAULT_CACHE_BYTES,
    addressesOf: (provider) => addressesOf(config, provider),
  };
}

/** What work on a run needs to use a cache; empty without one. */
export function reuseOf(
  cache: CacheFolder | undefined,
  { client, keys, clock, note }: RedisLink,
): { readonly reuse?: ReuseSource } {
  return cache ? { reuse: { ...cache, client, keys, clock, note } } : {};
}

/** What the cache would answer of the items in a spool; nothing without a cache. */
export async function cachedItems(
  cache: CacheFolder | undefined,
  keyOf: (cache: CacheFolder) => KeyOf,
  spool: string,
): Promise<KnownAnswers> {
  if (!cache) return { items: 0, tokens: 0 };
  return await previewReuse(cache.folder, keyOf(cache), readSpool(spool));
}

/** All addresses of a provider's accounts, which are what its answers depend on; accounts themselves are not. */
function addressesOf(config: Config, provider: string): string[] {
  const addresses = config.accounts(provider).flatMap(({ baseUrl, extra }) => {
    const more = Object.entries(extra).filter(([field]) => field.endsWith("BaseUrl"));
    return [baseUrl, ...more.map(([, address]) => address.reveal())];
  });
  return [...new Set(addresses)].sort();
}
