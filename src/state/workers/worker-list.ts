import * as z from "zod";
import { type JobKind, queueName } from "#src/queues/names.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { readServerTime } from "#src/redis/server-time.ts";
import { parseStoredNumber, toScoredMembers } from "#src/redis/stored-json.ts";

export const HEARTBEAT_MS = 5_000;
/** A worker without a heartbeat for longer than this is considered dead. */
export const WORKER_DEAD_MS = 3 * HEARTBEAT_MS;
/** How long a worker that died stays in the list, so that somebody notices. */
export const DEAD_WORKER_LISTED_MS = 10 * 60_000;

/** A worker process as described by its last heartbeat. Fields that are missing or malformed are undefined. */
export interface ListedWorker {
  readonly id: string;
  /** `dead`: it has been silent for 15 s without having announced its end. */
  readonly state: "alive" | "dead";
  /** Last heartbeat, epoch ms on Redis's clock. */
  readonly seenAt: number;
  readonly host: string | undefined;
  readonly pid: number | undefined;
  readonly version: string | undefined;
  /** Names of its bulk queues; it serves the corresponding interactive queues as well. */
  readonly queues: readonly string[];
  /** Epoch ms on Redis's clock. */
  readonly startedAt: number | undefined;
  /** Jobs that it is processing. */
  readonly jobs: number | undefined;
  /** Upstream calls in flight. */
  readonly calls: number | undefined;
  /** When it last took a job, epoch ms on Redis's clock; undefined before the first. */
  readonly claimedAt: number | undefined;
  /** Longest event loop delay since the previous heartbeat, ms. */
  readonly loopLagMs: number | undefined;
  /** Its configured limits per lane, such as "minimax/embo-01", of the lanes that it has used. */
  readonly laneLimits: Readonly<Record<string, Readonly<Record<string, number | string>>>>;
}

const laneLimits = z.record(z.string(), z.record(z.string(), z.union([z.number(), z.string()])));

/**
 * Workers that are alive or died within the last ten minutes, sorted by host and start. `now` is Redis's time; it is
 * read from Redis if omitted.
 */
export async function listWorkers(client: RedisClient, keys: Keys, now?: number): Promise<ListedWorker[]> {
  const [at, heartbeats] = await Promise.all([
    now ?? readServerTime(client),
    client.zrange(keys.workers, "0", "-1", "WITHSCORES"),
  ]);
  const listed = toScoredMembers(heartbeats).filter(([, seenAt]) => at - seenAt <= DEAD_WORKER_LISTED_MS);
  const hashes = await Promise.all(listed.map(([id]) => client.hgetall(keys.worker(id))));
  return listed
    .map(([id, seenAt], i) => parseWorker(id, seenAt, at, hashes[i] ?? {}))
    .sort((a, b) => compare(a.host ?? "", b.host ?? "") || (a.startedAt ?? 0) - (b.startedAt ?? 0));
}

/** Number of workers that are alive. `now` as in `listWorkers`. */
export async function countWorkers(client: RedisClient, keys: Keys, now?: number): Promise<number> {
  return (await listAliveIds(client, keys, now)).length;
}

/** Number of workers that are alive and take jobs of this provider and kind. */
export async function countWorkersFor(
  client: RedisClient,
  keys: Keys,
  { provider, kind }: { readonly provider: string; readonly kind: JobKind },
  now?: number,
): Promise<number> {
  const ids = await listAliveIds(client, keys, now);
  const queues = await Promise.all(ids.map((id) => client.hget(keys.worker(id), "queues")));
  const queue = queueName(provider, kind);
  return queues.filter((list) => list?.split(",").includes(queue)).length;
}

async function listAliveIds(client: RedisClient, keys: Keys, now: number | undefined): Promise<string[]> {
  const at = now ?? (await readServerTime(client));
  return await client.zrangebyscore(keys.workers, at - WORKER_DEAD_MS, "+inf");
}

function parseWorker(id: string, seenAt: number, now: number, hash: Readonly<Record<string, string>>): ListedWorker {
  return {
    id,
    state: now - seenAt > WORKER_DEAD_MS ? "dead" : "alive",
    seenAt,
    host: hash.host,
    pid: parseStoredNumber(hash.pid),
    version: hash.version,
    queues: hash.queues ? hash.queues.split(",") : [],
    startedAt: parseStoredNumber(hash.startedAt),
    jobs: parseStoredNumber(hash.jobs),
    calls: parseStoredNumber(hash.calls),
    claimedAt: parseStoredNumber(hash.claimedAt),
    loopLagMs: parseStoredNumber(hash.loopLagMs),
    laneLimits: parseLaneLimits(hash.laneLimits),
  };
}

/** Empty if it is absent, as in heartbeats of earlier versions, or malformed. */
function parseLaneLimits(text: string | undefined): ListedWorker["laneLimits"] {
  try {
    return laneLimits.safeParse(JSON.parse(text ?? "{}")).data ?? {};
  } catch {
    return {};
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
