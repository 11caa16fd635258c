import { createRedisLimiter } from "#src/limiter/redis-limiter.ts";
import { createKeys } from "#src/redis/keys.ts";
import { limiterSuite } from "#test/conformance/limiter.suite.ts";
import { openTestRedis } from "#test/support/redis.ts";
import { shiftTime } from "./shift-time.ts";

limiterSuite("the Redis limiter", async (options) => {
  const redis = openTestRedis();
  const client = redis.connect();
  return {
    limiter: createRedisLimiter(client, createKeys(redis.namespace), options),
    advance: (ms) => shiftTime(client, redis.namespace, ms),
    shiftClock: (ms) => shiftTime(client, redis.namespace, ms, { clockOnly: true }),
    close: () => redis.cleanup(),
  };
});
