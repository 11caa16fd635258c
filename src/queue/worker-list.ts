import type { Keys } from "../redis/keys.ts";
import type { RedisClient } from "../redis/script.ts";

/** How often a worker says that it lives. */
export const HEARTBEAT_MS = 5_000;
/** Silent for longer than this, a worker counts as dead. */
export const WORKER_DEAD_MS = 3 * HEARTBEAT_MS;

/** Workers that have said recently that they live. */
export async function countWorkers(client: RedisClient, keys: Keys, now: number): Promise<number> {
  return Number(await client.zcount(keys.workers, now - WORKER_DEAD_MS, "+inf"));
}
