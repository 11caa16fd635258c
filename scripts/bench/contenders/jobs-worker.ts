// Worker of the "jobs" benchmark: Sluice's worker with a model that answers immediately, or a BullMQ worker that does nothing.
import { Worker } from "bullmq";
import { Redis } from "ioredis";
import { createRedisLimiter } from "#src/limiter/redis-limiter.ts";
import type { ChatModel } from "#src/providers/provider.ts";
import { openRedis } from "#src/redis/connection.ts";
import { createKeys } from "#src/redis/keys.ts";
import { parseRedisUrl } from "#src/redis/url.ts";
import { startWorker } from "#src/workers/worker-host.ts";
import { silentLog } from "#src/workers/worker-log.ts";
import { serveParent } from "../bench-child.ts";
import { BARE_QUEUE, CONCURRENCY, type JobsSetup, MODEL, PROVIDER } from "./jobs-setup.ts";

const model: ChatModel = {
  generate: async () => ({
    text: "forty-two",
    finishReason: { unified: "stop", raw: "stop" },
    usage: { inputTokens: 12, outputTokens: 3, totalTokens: 15 },
  }),
  async *stream() {
    yield { type: "end", response: await model.generate({ messages: [] }, neverAborted) };
  },
};
const neverAborted = { signal: new AbortController().signal };

const { redisUrl, namespace, isBare } = JSON.parse(process.argv[2] ?? "{}") as JobsSetup & {
  isBare: boolean;
};

if (isBare) {
  const connection = new Redis(new URL(redisUrl).pathname, { maxRetriesPerRequest: null });
  let count = 0;
  let [requested, onReached] = [0, () => {}];
  const worker = new Worker(
    BARE_QUEUE,
    async () => {
      count += 1;
      return null;
    },
    { connection, prefix: namespace, concurrency: CONCURRENCY },
  );
  worker.on("completed", () => {
    if (count >= requested) onReached();
  });
  await worker.waitUntilReady();
  serveParent(
    (jobs: number) =>
      new Promise<void>((resolve) => {
        count = 0;
        requested = jobs;
        onReached = () => {
          onReached = () => {};
          resolve();
        };
      }),
    async () => {
      await worker.close();
      await connection.quit();
    },
  );
} else {
  const source = openRedis(parseRedisUrl(redisUrl));
  const keys = createKeys(namespace);
  const host = startWorker({
    redis: source,
    keys,
    limiter: createRedisLimiter(source.connect("commands"), keys),
    capabilities: [{ provider: PROVIDER, kind: "chat" }],
    chatLanes: () => [{ lane: { provider: PROVIDER, account: "default", model: MODEL }, limits: {}, model }],
    embeddingLanes: () => [],
    version: "bench",
    log: silentLog,
  });
  await host.ready;
  serveParent(
    async () => undefined,
    async () => {
      await host.stop();
      await source.close();
    },
  );
}
