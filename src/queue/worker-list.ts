import type { Keys } from "../redis/keys.ts";
import type { RedisClient } from "../redis/script.ts";
import { type JobKind, queueName } from "./names.ts";

/** How often a worker says that it lives. */
export const HEARTBEAT_MS = 5_000;
/** Silent for longer than this, a worker counts as dead. */
export const WORKER_DEAD_MS = 3 * HEARTBEAT_MS;

/** Workers that have said recently that they live. */
export async function countWorkers(client: RedisClient, keys: Keys, now: number): Promise<number> {
  return Number(await client.zcount(keys.workers, now - WORKER_DEAD_MS, "+inf"));
}

/** Of those, the ones that take jobs of this provider and kind. */
export async function countWorkersFor(
  client: RedisClient,
  keys: Keys,
  { provider, kind }: { readonly provider: string; readonly kind: JobKind },
  now: number,
): Promise<number> {
  const ids = await client.zrangebyscore(keys.workers, now - WORKER_DEAD_MS, "+inf");
  const queues = await Promise.all(ids.map((id) => client.hget(keys.worker(id), "queues")));
  const wanted = queueName(provider, kind);
  return queues.filter((list) => list?.split(",").includes(wanted)).length;
}
