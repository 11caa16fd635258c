import type { Clock } from "#src/core/clock.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";

/** What work on a run is given beside the run. */
export interface RunDependencies {
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly clock: Clock;
  /** Tells whoever watches the run something worth a sentence. */
  readonly notify: (message: string) => void;
}
