import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import type { CommandContext } from "#src/cli/wiring/command-context.ts";
import { type OpenedRedis, openConfiguredRedis } from "#src/cli/wiring/open-redis.ts";
import { systemClock } from "#src/core/clock.ts";
import { WORK_FOLDER } from "#src/producer/storage/work-folder.ts";
import { describeRedisEvent } from "#src/redis/redis-event.ts";
import { type ChildWorkers, startChildWorkers } from "./child-workers.ts";

/** What a run needs besides its folder. */
export interface RunServices {
  readonly redis: OpenedRedis;
  readonly workers: ChildWorkers;
  /** Stops the workers, then closes Redis. */
  close(): Promise<void>;
}

const WORKERS_READY_TIMEOUT_MS = 1_500;

/** Opens Redis and starts the workers of a run in `dir`, whose work folder exists and is locked. */
export async function openRunServices(
  dir: string,
  { config, options, reporter, signal }: CommandContext,
): Promise<RunServices> {
  const redis = await openConfiguredRedis(config, {
    onEvent: (event) => reporter.event({ type: "note", message: describeRedisEvent(event) }),
    onWarning: ({ message, hint }) =>
      reporter.event({ type: "note", message: hint === undefined ? message : `${message}. ${hint}` }),
  });
  const workers = startChildWorkers({
    count: options.workers ?? config.run.workers ?? availableParallelism(),
    logFile: join(dir, WORK_FOLDER, "workers.log"),
    configFile: options.config === undefined ? undefined : resolve(options.config),
    signal,
    onRestart: (detail) => reporter.event({ type: "worker-lost", detail, restarted: true }),
  });
  return {
    redis,
    workers,
    close: async () => {
      await workers.stop();
      await redis.close();
    },
  };
}

/**
 * Waits until all workers are ready, or 1.5 s after the first one is. Together they spend a burst window at once.
 * A first worker alone would spend only part of it, and requests spent late shift every later window.
 */
export async function waitForWorkers(workers: ChildWorkers, signal: AbortSignal): Promise<void> {
  const ended = new AbortController();
  const timeout = workers.ready.then(() =>
    systemClock.sleep(WORKERS_READY_TIMEOUT_MS, AbortSignal.any([signal, ended.signal])),
  );
  // Workers that Ctrl-C ends before they are ready are not replaced, so `ready` would never resolve.
  const stopped = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  await Promise.race([workers.allReady, timeout, stopped]).catch(() => undefined);
  ended.abort();
}
