import { hostname } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { coerceError } from "#src/core/failures/errors.ts";
import type { LaneLimits } from "#src/core/lane.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { readServerTime } from "#src/redis/server-time.ts";
import { DEAD_WORKER_LISTED_MS, HEARTBEAT_MS } from "#src/state/workers/worker-list.ts";
import type { WorkerLog } from "./worker-log.ts";

export interface HeartbeatDeps {
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly log: WorkerLog;
  readonly worker: string;
  readonly version: string;
  /** Names of the bulk queues that it serves. */
  readonly queues: readonly string[];
  /** Jobs held and calls in flight now. */
  readonly load: () => { readonly jobs: number; readonly calls: number };
  /** The configured limits of the lanes that it has used, by their names. */
  readonly laneLimits: () => Readonly<Record<string, LaneLimits>>;
}

/** How often the delay of the event loop is sampled, in ms. */
const LAG_RESOLUTION_MS = 20;

/**
 * Reports to Redis every five seconds that this worker is alive and how busy it is, by the clock of the Redis server.
 */
export class Heartbeat {
  readonly #deps: HeartbeatDeps;
  readonly #lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  readonly #startedAt = performance.now();
  #claimedAt: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #pendingBeat: Promise<void> | undefined;
  #stopped = false;

  constructor(deps: HeartbeatDeps) {
    this.#deps = deps;
  }

  /** Resolves when the worker list contains this worker. */
  async start(): Promise<void> {
    if (this.#stopped) return;
    this.#lag.enable();
    this.#timer = setInterval(() => void this.#beat(), HEARTBEAT_MS);
    await this.#beat();
  }

  recordClaim(): void {
    this.#claimedAt = performance.now();
  }

  /** Removes this worker from the worker list. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    this.#lag.disable();
    await this.#pendingBeat;
    const { client, keys, worker } = this.#deps;
    await Promise.allSettled([client.del(keys.worker(worker)), client.zrem(keys.workers, worker)]);
  }

  /** Sends one heartbeat at a time: they would pile up while Redis is unavailable. Never rejects. */
  #beat(): Promise<void> {
    this.#pendingBeat ??= this.#report()
      .catch((error) => this.#deps.log.warn("could not send a heartbeat", { error: coerceError(error).message }))
      .finally(() => {
        this.#pendingBeat = undefined;
      });
    return this.#pendingBeat;
  }

  async #report(): Promise<void> {
    const { client, keys, worker, version, queues, load, laneLimits } = this.#deps;
    const now = await readServerTime(client);
    if (this.#stopped) return;
    const toServerTime = (at: number) => Math.round(now - (performance.now() - at));
    const key = keys.worker(worker);
    const lagMs = Math.max(0, Math.round(this.#lag.max / 1e6) - LAG_RESOLUTION_MS);
    this.#lag.reset();
    const pipeline = client.pipeline();
    const fields = {
      host: hostname(),
      pid: process.pid,
      version,
      queues: queues.join(","),
      ...load(),
      laneLimits: JSON.stringify(laneLimits()),
      startedAt: toServerTime(this.#startedAt),
      claimedAt: this.#claimedAt === undefined ? undefined : toServerTime(this.#claimedAt),
      loopLagMs: lagMs,
      at: now,
    };
    pipeline.hset(key, omitUndefined(fields));
    pipeline.pexpire(key, DEAD_WORKER_LISTED_MS);
    // In a Redis Cluster the list may be on another node, so it cannot join the pipeline.
    await Promise.all([
      pipeline.exec(),
      client.zadd(keys.workers, now, worker),
      client.zremrangebyscore(keys.workers, "-inf", now - DEAD_WORKER_LISTED_MS),
      client.pexpire(keys.workers, DEAD_WORKER_LISTED_MS),
    ]);
  }
}
