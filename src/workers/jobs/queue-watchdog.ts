import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "#src/core/clock.ts";
import type { RedisSource } from "#src/redis/connection.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { MAX_RETURN_DELAY_MS } from "./return-to-queue.ts";
import type { QueueWorker } from "./start-queue-worker.ts";

type WatchedQueue = Omit<QueueWorker, "worker">;

export interface QueueWatchdogDeps {
  readonly redis: RedisSource;
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly workers: readonly WatchedQueue[];
  /** Called with the reason while the worker is stuck, at every check. */
  readonly onStuck?: (reason: string) => void;
}

const CHECK_INTERVAL_MS = 5_000;
/** A worker that waits for jobs looks for them at least every five seconds, without being woken. */
const STUCK_MS = 10_000;
const REPLY_TIMEOUT_MS = 5_000;
/** BullMQ's score of a delayed job is the time of its end, epoch ms, times this. */
const SCORE_PER_MS = 0x1000;
const MAX_PROMOTED = 100;

/**
 * Notices that a worker takes no jobs although its queues have some and it has room for them, or that its connection does
 * not reply although Redis does. Both happen when a client library waits for a reply that a lost node of a Redis Cluster owed.
 */
export class QueueWatchdog {
  readonly #deps: QueueWatchdogDeps;
  readonly #stopped = new AbortController();
  /** Since when jobs wait in a queue while its worker takes none, by queue. */
  readonly #waiting = new Map<string, { readonly activity: number; readonly since: number }>();

  constructor(deps: QueueWatchdogDeps) {
    this.#deps = deps;
    this.#watch().catch(() => undefined);
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #watch(): Promise<void> {
    const { clock, onStuck = () => undefined } = this.#deps;
    while (!this.#stopped.signal.aborted) {
      await clock.sleep(CHECK_INTERVAL_MS, this.#stopped.signal);
      const reason = await this.#findReason().catch(() => undefined);
      if (reason !== undefined && !this.#stopped.signal.aborted) onStuck(reason);
    }
  }

  async #findReason(): Promise<string | undefined> {
    const { client, redis, keys, workers } = this.#deps;
    const counts = await this.#limit(countWaiting(client, keys, workers));
    if (counts) {
      // Not awaited: it may take many round trips.
      promoteOverdue(client, keys, workers).catch(() => undefined);
      return this.#compare(counts);
    }
    // Has Redis a problem, or only this connection?
    const other = redis.connect("commands");
    try {
      const isReplying = await this.#limit(countWaiting(other, keys, workers));
      return isReplying && "Redis replies on a new connection, but not on that of the worker";
    } finally {
      other.disconnect();
    }
  }

  #compare(counts: readonly number[]): string | undefined {
    const now = this.#deps.clock.monotonic();
    for (const [i, { queue, activity, hasRoom }] of this.#deps.workers.entries()) {
      const before = this.#waiting.get(queue);
      const isIdle = hasRoom && (counts[i] ?? 0) > 0;
      if (!isIdle) this.#waiting.delete(queue);
      else if (before?.activity !== activity) this.#waiting.set(queue, { activity, since: now });
      else if (now - before.since >= STUCK_MS)
        return `no job was taken from ${queue} for 10 s, although jobs wait there`;
    }
    return undefined;
  }

  /** Undefined after five seconds without a reply. */
  async #limit<T>(reply: Promise<T>): Promise<T | undefined> {
    const ended = new AbortController();
    const signal = AbortSignal.any([ended.signal, this.#stopped.signal]);
    const timeout = sleep(REPLY_TIMEOUT_MS, undefined, { signal }).catch(() => undefined);
    return await Promise.race([reply, timeout]).finally(() => ended.abort());
  }
}

/** Numbers of jobs that wait in the queues and may be taken. */
async function countWaiting(client: RedisClient, keys: Keys, workers: readonly WatchedQueue[]): Promise<number[]> {
  return await Promise.all(
    workers.map(async ({ queue }) => {
      const prefix = `${keys.queuePrefix(queue)}:${queue}`;
      const [waiting, prioritized, isPaused] = await Promise.all([
        client.llen(`${prefix}:wait`),
        client.zcard(keys.queueTurns(queue).prioritized),
        client.hexists(`${prefix}:meta`, "paused"),
      ]);
      return isPaused === 1 ? 0 : waiting + prioritized;
    }),
  );
}

/**
 * Ends delays that are longer than any worker sets. A delay ends at a time of the wall clock, so it lasts for hours if the
 * worker that returned the job was hours ahead, or if the clock was set back since.
 */
async function promoteOverdue(client: RedisClient, keys: Keys, workers: readonly WatchedQueue[]): Promise<void> {
  const latest = (Date.now() + 2 * MAX_RETURN_DELAY_MS) * SCORE_PER_MS;
  for (const { queue, promote } of workers) {
    const key = `${keys.queuePrefix(queue)}:${queue}:delayed`;
    const jobs = await client.zrangebyscore(key, latest, "+inf", "LIMIT", 0, MAX_PROMOTED);
    await Promise.all(jobs.map(promote));
  }
}
