import type { Redis } from "ioredis";

const TIMESTAMP_FIELDS = ["now", "pausedUntil", "nextAt", "failingSince", "lastOk", "interactive"];

/**
 * Makes the lanes of a namespace look as they will after `ms`, by moving every moment they hold into the past (and
 * their keys' expiry with them). Nobody waits, and no test depends on how fast the machine is. `clockOnly` moves
 * what a lane knows of the clock: with a negative `ms` the server's clock seems to have been set back.
 */
export async function shiftTime(
  client: Redis,
  namespace: string,
  ms: number,
  { clockOnly = false }: { clockOnly?: boolean } = {},
): Promise<void> {
  for (const key of await client.keys(`*${namespace}*`)) {
    if (key.endsWith(":window") || key.endsWith(":flight")) await shiftScores(client, key, ms);
    if (key.endsWith(":state")) await shiftFields(client, key, ms);
    if (!clockOnly) await shiftExpiry(client, key, ms);
  }
}

async function shiftScores(client: Redis, key: string, ms: number): Promise<void> {
  const found = await client.zrangebyscore(key, "-inf", "+inf", "WITHSCORES");
  for (let i = 0; i + 1 < found.length; i += 2) {
    await client.zadd(key, Number(found[i + 1]) - ms, String(found[i]));
  }
}

async function shiftFields(client: Redis, key: string, ms: number): Promise<void> {
  for (const [field, value] of Object.entries(await client.hgetall(key))) {
    if (TIMESTAMP_FIELDS.includes(field) || field.startsWith("cutAt"))
      await client.hset(key, { [field]: Number(value) - ms });
  }
}

async function shiftExpiry(client: Redis, key: string, ms: number): Promise<void> {
  const left = await client.pttl(key);
  if (left < 0) return;
  if (left <= ms) await client.del(key);
  else await client.pexpire(key, left - ms);
}
