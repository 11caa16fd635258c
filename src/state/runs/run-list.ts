import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { parseStoredNumber, toScoredMembers } from "#src/redis/stored-json.ts";
import { RUN_TTL_MS } from "./run-ledger.ts";

/** What Redis stores about a run for lists; everything else is in the run folder. */
export interface ListedRun {
  readonly run: string;
  /** Epoch ms. */
  readonly createdAt: number;
  /** Undefined when everything but the run's id has expired. */
  readonly state: string | undefined;
  readonly model: string | undefined;
  readonly dir: string | undefined;
  readonly host: string | undefined;
  readonly items: number | undefined;
  readonly name: string | undefined;
  readonly note: string | undefined;
}

/** The newest `limit` runs, newest first; all if it is absent. */
export async function listRuns(client: RedisClient, keys: Keys, limit = 0): Promise<ListedRun[]> {
  const found = toScoredMembers(await client.zrevrange(keys.runs, 0, limit - 1, "WITHSCORES"));
  return await Promise.all(found.map(([run, createdAt]) => readMeta(client, keys, run, createdAt)));
}

/** The number of runs that Redis lists. */
export async function countRuns(client: RedisClient, keys: Keys): Promise<number> {
  return await client.zcard(keys.runs);
}

/** One run; undefined when Redis does not list it. */
export async function readListedRun(client: RedisClient, keys: Keys, run: string): Promise<ListedRun | undefined> {
  const createdAt = await client.zscore(keys.runs, run);
  if (createdAt === null || createdAt === undefined) return undefined;
  return await readMeta(client, keys, run, Number(createdAt));
}

async function readMeta(client: RedisClient, keys: Keys, run: string, createdAt: number): Promise<ListedRun> {
  const [state, model, dir, host, items, name, note] = await client.hmget(
    keys.run(run).meta,
    "state",
    "model",
    "dir",
    "host",
    "items",
    "name",
    "note",
  );
  return {
    run,
    createdAt,
    state: state ?? undefined,
    model: model ?? undefined,
    dir: dir ?? undefined,
    host: host ?? undefined,
    items: parseStoredNumber(items),
    name: name || undefined,
    note: note || undefined,
  };
}

/** Those of the runs of which Redis has nothing but the id, for longer than it keeps runs. `now`: epoch ms. */
export function findExpiredRuns(runs: readonly ListedRun[], now: number): string[] {
  return runs
    .filter(({ state, createdAt }) => state === undefined && now - createdAt > RUN_TTL_MS)
    .map(({ run }) => run);
}

/** Removes runs from the list of runs. */
export async function removeRuns(client: RedisClient, keys: Keys, runs: readonly string[]): Promise<void> {
  if (runs.length > 0) await client.zrem(keys.runs, ...runs);
}
