import type { Clock } from "#src/core/clock.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { SingleFlightClaims } from "#src/state/answer-claims/single-flight-claims.ts";
import { AnswerCache } from "./answer-cache.ts";
import type { ComputeAnswerKey } from "./answer-key.ts";
import { AnswerResolver } from "./answer-resolver.ts";

/** Location and size of the answer cache. */
export interface AnswerCacheSettings {
  readonly folder: string;
  readonly maxBytes: number;
  /** Returns the addresses of a provider; they are part of the keys of its answers. */
  readonly listAddresses: (provider: string) => readonly string[];
}

/** A cache, and the Redis in which runs claim requests. */
export interface AnswerCacheDeps extends AnswerCacheSettings {
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly clock: Clock;
  /** Shows a message to the user. */
  readonly notify: (message: string) => void;
}

export async function openAnswerResolver(
  run: string,
  { folder, maxBytes, client, keys, clock, notify }: AnswerCacheDeps,
  computeKey: ComputeAnswerKey,
  dimensions?: () => number,
): Promise<AnswerResolver> {
  const cache = await AnswerCache.open(folder, { maxBytes, now: () => clock.now(), notify });
  const claims = new SingleFlightClaims(client, keys, run);
  return new AnswerResolver({
    cache,
    claims,
    computeKey,
    clock,
    dimensions,
    onWaiting: () => notify("another run has sent some of the same requests: their items wait for its answers"),
  });
}
