import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Lane, LaneLimits } from "#src/core/lane.ts";
import { createRedisLimiter } from "#src/limiter/redis-limiter.ts";
import { createParkedError } from "#src/producer/runs/run-error.ts";
import type { JobKind } from "#src/queues/names.ts";
import type { RedisSource } from "#src/redis/connection.ts";
import type { Keys } from "#src/redis/keys.ts";
import { countWorkersFor } from "#src/state/workers/worker-list.ts";
import { type ChildWorkers, startChildWorkers } from "./coordinator/child-workers.ts";

export interface EnsureWorkerOptions {
  readonly source: RedisSource;
  readonly keys: Keys;
  readonly provider: string;
  readonly kind: JobKind;
  readonly lanes: readonly { readonly lane: Lane; readonly limits: LaneLimits }[];
  /** Worker processes to start; undefined starts one if no running worker takes such jobs. */
  readonly workers: number | undefined;
  readonly configFile?: string;
  readonly signal: AbortSignal;
}

export interface WorkerGuard {
  /** Aborts with the reason when waiting has become pointless. */
  readonly failed: AbortSignal;
  /** Stops the workers it started; idempotent. */
  stop(): Promise<void>;
}

const POLL_INTERVAL_MS = 1_000;

/**
 * Makes sure that a worker serves the item that a person waits for: starts one if none is running, also when the last one
 * exits later. `failed` aborts when waiting has become pointless: all lanes are parked, or workers exit as soon as they
 * start.
 */
export async function ensureWorkerFor(options: EnsureWorkerOptions): Promise<WorkerGuard> {
  const { source, keys, lanes, provider, kind } = options;
  const client = source.connect("commands");
  const limiter = createRedisLimiter(client, keys);
  // The user has fixed the reason why the lane was parked, or wants to find out.
  for (const { lane } of lanes) await limiter.unpark(lane);
  const folder = await mkdtemp(join(tmpdir(), "sluice-chat-"));
  const ended = new AbortController();
  const failed = new AbortController();
  let children: ChildWorkers | undefined;
  const start = (count: number) => {
    children = startChildWorkers({
      count,
      logFile: join(folder, "workers.log"),
      configFile: options.configFile === undefined ? undefined : resolve(options.configFile),
      signal: options.signal,
      onRestart: () => undefined,
    });
    children.ready.catch((error) => failed.abort(error));
  };
  const checkWorkers = async () => {
    if (options.workers === undefined && children === undefined) {
      if ((await countWorkersFor(client, keys, { provider, kind })) === 0) start(1);
    }
    const statuses = await Promise.all(lanes.map(({ lane, limits }) => limiter.status(lane, limits)));
    if (statuses.every(({ state }) => state === "parked")) {
      failed.abort(createParkedError(statuses.flatMap(({ reason }) => reason ?? [])));
    }
  };
  if (options.workers !== undefined && options.workers > 0) start(options.workers);
  await checkWorkers();
  const polling = (async () => {
    while (!ended.signal.aborted) {
      await sleep(POLL_INTERVAL_MS, undefined, { signal: ended.signal }).catch(() => undefined);
      if (!ended.signal.aborted) await checkWorkers();
    }
  })();
  polling.catch((error) => failed.abort(error));
  return {
    failed: failed.signal,
    async stop() {
      ended.abort();
      await polling.catch(() => undefined);
      await children?.stop();
      // The log of a worker that could not start contains the reason, so it is kept.
      if (!failed.signal.aborted) await rm(folder, { recursive: true, force: true });
    },
  };
}
