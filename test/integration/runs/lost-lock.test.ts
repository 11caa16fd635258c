import { addAbortListener } from "node:events";
import { Queue } from "bullmq";
import { expect, test } from "vitest";
import { systemClock } from "#src/core/clock.ts";
import { openRedis } from "#src/redis/connection.ts";
import { createKeys } from "#src/redis/keys.ts";
import { parseRedisUrl } from "#src/redis/url.ts";
import { JobLocks } from "#src/workers/jobs/job-locks.ts";
import { startQueueWorker } from "#src/workers/jobs/start-queue-worker.ts";
import { silentLog } from "#src/workers/worker-log.ts";
import { openTestRedis } from "#test/support/redis/redis.ts";

test("a job whose lock was lost is aborted, so that no further calls are made for it", async () => {
  await using redis = openTestRedis();
  const source = openRedis(parseRedisUrl(redis.url));
  const keys = createKeys(redis.namespace);
  const prefix = keys.queuePrefix("q");
  const queue = new Queue("q", { connection: redis.connect(), prefix });
  const aborted = Promise.withResolvers<void>();
  const { promise: taken, resolve: take } = Promise.withResolvers<AbortSignal | undefined>();
  const locks = new JobLocks(systemClock);
  const { worker } = startQueueWorker("q", {
    ...{ redis: source, keys, log: silentLog, locks, concurrency: 1 },
    processJob: async (_, signal) => {
      take(signal);
      await aborted.promise;
    },
  });
  const job = await queue.add("job", {});
  const signal = await taken;
  expect(signal).toBeDefined();
  if (signal) addAbortListener(signal, () => aborted.resolve());
  await redis.connect().del(`${prefix}:q:${job.id}:lock`);
  await aborted.promise;
  expect(locks.areFresh()).toBe(true);
  await worker.close(true);
  await queue.close();
  await source.close();
});
