import type { Clock } from "#src/core/clock.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { SingleFlightClaims } from "#src/state/answers/single-flight-claims.ts";
import { AnswerCache } from "./answer-cache.ts";
import type { ComputeAnswerKey } from "./answer-key.ts";
import { AnswerResolver } from "./answer-resolver.ts";

/** Where answers are kept, and how much of them. */
export interface AnswerCacheSettings {
  readonly folder: string;
  readonly maxBytes: number;
  /** Where a provider is reached; part of what its answers are known by. */
  readonly listAddresses: (provider: string) => readonly string[];
}

/** A cache, and the Redis over which runs agree on who asks. */
export interface AnswerCacheDeps extends AnswerCacheSettings {
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly clock: Clock;
  /** Tells whoever watches the run something worth a sentence. */
  readonly notify: (message: string) => void;
}

export async function openAnswerResolver(
  run: string,
  { folder, maxBytes, client, keys, clock, notify }: AnswerCacheDeps,
  computeKey: ComputeAnswerKey,
  dimensions?: () => number,
): Promise<AnswerResolver> {
  const cache = await AnswerCache.open(folder, { maxBytes, now: () => clock.now(), onProblem: notify });
  const claims = new SingleFlightClaims(client, keys, run);
  return new AnswerResolver({
    cache,
    claims,
    computeKey,
    clock,
    dimensions,
    onWaiting: () => notify("another run is asking the same: what it has begun to ask waits for its answers"),
  });
}
