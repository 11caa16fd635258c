import { type JobKind, queueName } from "#src/queues/names.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { readServerTime } from "#src/redis/server-time.ts";

/** How often a worker says that it lives. */
export const HEARTBEAT_MS = 5_000;
/** Silent for longer than this, a worker counts as dead. */
export const WORKER_DEAD_MS = 3 * HEARTBEAT_MS;
/** A worker that died without a word stays listed for this long, so that somebody sees it. */
export const DEAD_WORKER_LISTED_MS = 10 * 60_000;

/** One worker process, as it last described itself. What an older version did not tell is absent. */
export interface ListedWorker {
  readonly id: string;
  /** `dead`: it has been silent for 15 s and had not said that it stops. */
  readonly state: "alive" | "dead";
  /** Last heartbeat, epoch ms on Redis's clock. */
  readonly seenAt: number;
  readonly host: string | undefined;
  readonly pid: number | undefined;
  readonly version: string | undefined;
  /** Names of the bulk queues it serves; it serves the interactive ones beside them. */
  readonly queues: readonly string[];
  /** Epoch ms on Redis's clock. */
  readonly startedAt: number | undefined;
  /** Jobs it holds. */
  readonly jobs: number | undefined;
  /** Upstream calls under way. */
  readonly calls: number | undefined;
  /** When it last took a job, epoch ms on Redis's clock; undefined before the first. */
  readonly claimedAt: number | undefined;
  /** The longest its event loop stood still since the heartbeat before, ms. */
  readonly loopLagMs: number | undefined;
}

/**
 * Workers that live, and those that died within the last ten minutes, by host and start. `now` is Redis's time; when
 * it is left out, Redis is asked.
 */
export async function listWorkers(client: RedisClient, keys: Keys, now?: number): Promise<ListedWorker[]> {
  const [at, found] = await Promise.all([
    now ?? readServerTime(client),
    client.zrange(keys.workers, "0", "-1", "WITHSCORES"),
  ]);
  const seen: [id: string, at: number][] = [];
  for (let i = 0; i + 1 < found.length; i += 2) seen.push([String(found[i]), Number(found[i + 1])]);
  const listed = seen.filter(([, seenAt]) => at - seenAt <= DEAD_WORKER_LISTED_MS);
  const hashes = await Promise.all(listed.map(([id]) => client.hgetall(keys.worker(id))));
  return listed
    .map(([id, seenAt], i) => parseWorker(id, seenAt, at, hashes[i] ?? {}))
    .sort((a, b) => compare(a.host ?? "", b.host ?? "") || (a.startedAt ?? 0) - (b.startedAt ?? 0));
}

/** Workers that have said recently that they live. `now` as in `listWorkers`. */
export async function countWorkers(client: RedisClient, keys: Keys, now?: number): Promise<number> {
  return (await aliveIds(client, keys, now)).length;
}

/** Of those, the ones that take jobs of this provider and kind. */
export async function countWorkersFor(
  client: RedisClient,
  keys: Keys,
  { provider, kind }: { readonly provider: string; readonly kind: JobKind },
  now?: number,
): Promise<number> {
  const ids = await aliveIds(client, keys, now);
  const queues = await Promise.all(ids.map((id) => client.hget(keys.worker(id), "queues")));
  const queue = queueName(provider, kind);
  return queues.filter((list) => list?.split(",").includes(queue)).length;
}

async function aliveIds(client: RedisClient, keys: Keys, now: number | undefined): Promise<string[]> {
  const at = now ?? (await readServerTime(client));
  return await client.zrangebyscore(keys.workers, at - WORKER_DEAD_MS, "+inf");
}

function parseWorker(id: string, seenAt: number, now: number, hash: Readonly<Record<string, string>>): ListedWorker {
  const read = (field: string) => {
    const value = Number(hash[field] ?? "");
    return hash[field] === undefined || hash[field] === "" || !Number.isFinite(value) ? undefined : value;
  };
  return {
    id,
    state: now - seenAt > WORKER_DEAD_MS ? "dead" : "alive",
    seenAt,
    host: hash.host,
    pid: read("pid"),
    version: hash.version,
    queues: hash.queues ? hash.queues.split(",") : [],
    startedAt: read("startedAt"),
    jobs: read("jobs"),
    calls: read("calls"),
    claimedAt: read("claimedAt"),
    loopLagMs: read("loopLagMs"),
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
