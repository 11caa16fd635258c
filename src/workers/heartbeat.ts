import { hostname } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { coerceError } from "#src/core/errors.ts";
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
  /** Names of the bulk queues it serves. */
  readonly queues: readonly string[];
  /** Jobs held and calls under way at this moment. */
  readonly load: () => { readonly jobs: number; readonly calls: number };
}

/** How often the event loop is looked at, ms; a late look is its lag. */
const LAG_RESOLUTION_MS = 20;

/** Says every five seconds that this worker lives, and what it does, on Redis's clock. */
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

  /** Resolves when the worker is on the list. */
  async start(): Promise<void> {
    if (this.#stopped) return;
    this.#lag.enable();
    this.#timer = setInterval(() => void this.#beat(), HEARTBEAT_MS);
    await this.#beat();
  }

  /** A job has been taken. */
  recordClaim(): void {
    this.#claimedAt = performance.now();
  }

  /** Takes the worker off the list: an orderly end leaves nothing behind. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    this.#lag.disable();
    await this.#pendingBeat;
    const { client, keys, worker } = this.#deps;
    await Promise.allSettled([client.del(keys.worker(worker)), client.zrem(keys.workers, worker)]);
  }

  /** One at a time: while Redis is away they would only pile up. Never rejects. */
  #beat(): Promise<void> {
    this.#pendingBeat ??= this.#report()
      .catch((error) =>
        this.#deps.log.warn("could not say that this worker lives", { error: coerceError(error).message }),
      )
      .finally(() => {
        this.#pendingBeat = undefined;
      });
    return this.#pendingBeat;
  }

  async #report(): Promise<void> {
    const { client, keys, worker, version, queues, load } = this.#deps;
    const now = await readServerTime(client);
    if (this.#stopped) return;
    const toServerTime = (at: number) => Math.round(now - (performance.now() - at));
    const key = keys.worker(worker);
    const lagMs = Math.max(0, Math.round(this.#lag.max / 1e6) - LAG_RESOLUTION_MS);
    this.#lag.reset();
    const pipeline = client.pipeline();
    pipeline.hset(key, {
      host: hostname(),
      pid: process.pid,
      version,
      queues: queues.join(","),
      ...load(),
      startedAt: toServerTime(this.#startedAt),
      ...(this.#claimedAt === undefined ? {} : { claimedAt: toServerTime(this.#claimedAt) }),
      loopLagMs: lagMs,
      at: now,
    });
    pipeline.pexpire(key, DEAD_WORKER_LISTED_MS);
    // The list is a key of its own, and on a cluster it may be elsewhere.
    await Promise.all([
      pipeline.exec(),
      client.zadd(keys.workers, now, worker),
      client.zremrangebyscore(keys.workers, "-inf", now - DEAD_WORKER_LISTED_MS),
      client.pexpire(keys.workers, DEAD_WORKER_LISTED_MS),
    ]);
  }
}
