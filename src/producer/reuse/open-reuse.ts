import type { Clock } from "../../core/clock.ts";
import { AnswerClaims } from "../../queue/answer-claims.ts";
import type { Keys } from "../../redis/keys.ts";
import type { RedisClient } from "../../redis/script.ts";
import { AnswerCache } from "./answer-cache.ts";
import type { KeyOf } from "./answer-key.ts";
import { RunReuse } from "./run-reuse.ts";

/** Where answers are kept, and how much of them. */
export interface CacheFolder {
  readonly folder: string;
  readonly maxBytes: number;
  /** Where a provider is reached; part of what its answers are known by. */
  readonly addressesOf: (provider: string) => readonly string[];
}

/** A cache, and the Redis over which runs agree on who asks. */
export interface ReuseSource extends CacheFolder {
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly clock: Clock;
  /** Tells whoever watches the run something worth a sentence. */
  readonly note: (message: string) => void;
}

export async function openReuse(
  run: string,
  { folder, maxBytes, client, keys, clock, note }: ReuseSource,
  keyOf: KeyOf,
  dimensions?: () => number,
): Promise<RunReuse> {
  const cache = await AnswerCache.open(folder, { maxBytes, now: () => clock.now(), onProblem: note });
  const claims = new AnswerClaims(client, keys, run);
  return new RunReuse({
    cache,
    claims,
    keyOf,
    clock,
    dimensions,
    onWaiting: () => note("another run is asking the same: what it has begun to ask waits for its answers"),
  });
}
