import { createRedisLimiter } from "#src/limiter/redis-limiter.ts";
import { createKeys } from "#src/redis/keys.ts";
import { limiterSuite } from "#test/conformance/limiter.suite.ts";
import { createFakeClock } from "#test/support/fakes/fake-clock.ts";
import { injectTime } from "#test/support/fakes/injected-time.ts";
import { openTestRedis } from "#test/support/redis/redis.ts";

limiterSuite("the Redis limiter", async (options) => {
  const redis = openTestRedis();
  const clock = createFakeClock();
  const client = injectTime(redis.connect(), () => clock.now());
  return {
    limiter: createRedisLimiter(client, createKeys(redis.namespace), options),
    advance: (ms) => clock.advance(ms),
    shiftClock: async (ms) => clock.set(clock.now() + ms),
    close: () => redis.cleanup(),
  };
});
