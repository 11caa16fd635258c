import { expect, test } from "vitest";
import { createRedisLimiter } from "#src/limiter/redis-limiter.ts";
import { openRedis } from "#src/redis/connection.ts";
import { createKeys } from "#src/redis/keys.ts";
import { parseRedisUrl } from "#src/redis/url.ts";
import { startWorker } from "#src/workers/worker-host.ts";
import { silentLog } from "#src/workers/worker-log.ts";
import { hasRedisServer, startRedisProcess } from "#test/support/redis/redis-process.ts";

test.skipIf(!hasRedisServer())(
  "a worker without calls whose connections never answer stops long before its grace period ends",
  async () => {
    const server = await startRedisProcess();
    const source = openRedis(parseRedisUrl(server.url));
    const keys = createKeys("stopping");
    try {
      const host = startWorker({
        redis: source,
        keys,
        limiter: createRedisLimiter(source.connect("commands"), keys),
        capabilities: [{ provider: "fake", kind: "embedding" }],
        chatLanes: () => [],
        embeddingLanes: () => [],
        version: "test",
        log: silentLog,
        options: { graceMs: 3_600_000 },
      });
      await host.ready;
      process.kill(server.pid(), "SIGSTOP");
      expect(await host.stop()).toBe(false);
    } finally {
      process.kill(server.pid(), "SIGCONT");
      await source.close();
      await server.stop();
    }
  },
);
