import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";

/** What Redis remembers of a run; the rest is in the run's folder. */
export interface ListedRun {
  readonly run: string;
  readonly createdAt: number;
  /** Undefined when Redis has forgotten all but the name. */
  readonly state: string | undefined;
  readonly model: string | undefined;
  readonly dir: string | undefined;
  readonly host: string | undefined;
  readonly items: number | undefined;
}

/** The newest runs first. */
export async function listRuns(client: RedisClient, keys: Keys, limit = 100): Promise<ListedRun[]> {
  const found = await client.zrevrange(keys.runs, 0, limit - 1, "WITHSCORES");
  const runs: ListedRun[] = [];
  for (let i = 0; i + 1 < found.length; i += 2) {
    runs.push(await describeRun(client, keys, String(found[i]), Number(found[i + 1])));
  }
  return runs;
}

/** One run; undefined when Redis has never heard of it, or has forgotten it. */
export async function readListedRun(client: RedisClient, keys: Keys, run: string): Promise<ListedRun | undefined> {
  const createdAt = await client.zscore(keys.runs, run);
  if (createdAt === null || createdAt === undefined) return undefined;
  return await describeRun(client, keys, run, Number(createdAt));
}

async function describeRun(client: RedisClient, keys: Keys, run: string, createdAt: number): Promise<ListedRun> {
  const fields = ["state", "model", "dir", "host", "items"] as const;
  const [state, model, dir, host, items] = await client.hmget(keys.run(run).meta, ...fields);
  return {
    run,
    createdAt,
    state: state ?? undefined,
    model: model ?? undefined,
    dir: dir ?? undefined,
    host: host ?? undefined,
    items: items === null || items === undefined ? undefined : Number(items),
  };
}

/** Drops runs from the list that Redis knows nothing else of any more. */
export async function removeRuns(client: RedisClient, keys: Keys, runs: readonly string[]): Promise<void> {
  if (runs.length > 0) await client.zrem(keys.runs, ...runs);
}
