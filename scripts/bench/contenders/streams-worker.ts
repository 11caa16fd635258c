// Worker of the "streams" benchmark: Sluice's worker with the adapter of an OpenAI-compatible upstream.
import { createRedisLimiter } from "#src/limiter/redis-limiter.ts";
import { createRegistry } from "#src/providers/registry.ts";
import { createTransport } from "#src/providers/transport/http.ts";
import { openRedis } from "#src/redis/connection.ts";
import { createKeys } from "#src/redis/keys.ts";
import { parseRedisUrl } from "#src/redis/url.ts";
import { startWorker } from "#src/workers/worker-host.ts";
import { silentLog } from "#src/workers/worker-log.ts";
import { serveParent } from "../bench-child.ts";
import { type JobsSetup, MODEL, PROVIDER } from "./jobs-setup.ts";

const { redisUrl, namespace, upstream } = JSON.parse(process.argv[2] ?? "{}") as JobsSetup & {
  upstream: string;
};
const source = openRedis(parseRedisUrl(redisUrl));
const keys = createKeys(namespace);
const transport = createTransport({ connections: 100 });
const provider = createRegistry().createProvider(PROVIDER, { baseUrl: upstream, apiKey: "none" }, transport);
const model = provider.chat?.(MODEL);
if (!model) throw new Error("no chat");
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
    await provider.close();
    await source.close();
  },
);
