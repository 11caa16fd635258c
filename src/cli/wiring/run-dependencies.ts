import type { Clock } from "#src/core/clock.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";

/** What a run kind gets in addition to the run. */
export interface RunDependencies {
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly clock: Clock;
  /** Shows a message to the user who watches the run. */
  readonly notify: (message: string) => void;
}
