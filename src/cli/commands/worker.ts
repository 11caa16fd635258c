import { pino } from "pino";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { readVersion } from "#src/cli/version.ts";
import { LaneRegistry, openTransport } from "#src/cli/wiring/lanes.ts";
import { openConfig } from "#src/cli/wiring/open-config.ts";
import { openConfiguredRedis } from "#src/cli/wiring/open-redis.ts";
import { openConfiguredTracer } from "#src/cli/wiring/open-tracer.ts";
import { ConfigError } from "#src/core/errors.ts";
import { createRedisLimiter } from "#src/limiter/redis-limiter.ts";
import { createKeys } from "#src/redis/keys.ts";
import { startWorker } from "#src/workers/worker-host.ts";
import type { WorkerLog } from "#src/workers/worker-log.ts";

export interface WorkerCommandOptions {
  readonly config?: string;
  /** Started by another command: ends with it, whatever ends it. */
  readonly child?: boolean;
}

/** `sluice worker`: takes jobs until it is told to stop. */
export async function runWorker(options: WorkerCommandOptions): Promise<number> {
  const config = openConfig(options.config);
  const { stopped, dispose } = waitForStop(options.child === true);
  const logger = pino({ level: config.logLevel, base: { pid: process.pid } }, pino.destination({ fd: 2, sync: true }));
  const log = createWorkerLog(logger);
  const lanes = new LaneRegistry(config, openTransport(config));
  const capabilities = lanes.capabilities();
  if (capabilities.length === 0) {
    const names = config.providers.flatMap((name) => config.missing(name));
    throw new ConfigError([`no provider has credentials; set one of ${names.join(", ")}`]);
  }
  const redis = await openConfiguredRedis(config, {
    onEvent: (event) => log.warn("redis", { ...event }),
    onWarning: (line) => log.warn(line.message, line.hint === undefined ? {} : { hint: line.hint }),
  });
  try {
    const keys = createKeys(config.namespace);
    const { jobs, calls, graceMs } = config.worker;
    const tracer = await openConfiguredTracer(config);
    const host = startWorker({
      redis: redis.source,
      keys,
      limiter: createRedisLimiter(redis.source.connect("commands"), keys),
      capabilities,
      embeddingLanes: (provider, model) => lanes.embeddingLanes(provider, model),
      chatLanes: (provider, model) => lanes.chatLanes(provider, model),
      version: readVersion(),
      log,
      tracer,
      options: {
        graceMs,
        jobs,
        calls,
      },
    });
    await Promise.race([host.ready, stopped]);
    log.info("worker takes jobs", { worker: host.id, providers: lanes.providers() });
    // The command may have ended meanwhile, and what is sent into a closed channel ends this process.
    if (process.connected) process.send?.({ type: "ready" }, () => undefined);
    const reason = await stopped;
    log.info("worker stops", { reason });
    await host.stop();
    await tracer?.close();
    log.info("worker has stopped");
    return EXIT_CODES.ok;
  } finally {
    await redis.close();
    dispose();
    // A channel somebody listens to keeps a process alive.
    if (process.connected) process.disconnect();
  }
}

const PARENT_EXITED = "the command that started it has ended";

/**
 * Resolves at the first SIGTERM, SIGINT, or end of the parent. A second request ends the process at once; for a child,
 * whose parent and whose group may both send it the same SIGTERM, only a parent that ends without waiting is one.
 */
function waitForStop(child: boolean): { readonly stopped: Promise<string>; dispose(): void } {
  const { promise, resolve } = Promise.withResolvers<string>();
  let stopRequests = 0;
  const stop = (reason: string) => {
    stopRequests += 1;
    if (stopRequests > 1 && (!child || reason === PARENT_EXITED)) process.exit(EXIT_CODES.interrupted);
    resolve(reason);
  };
  const onParentExit = () => stop(PARENT_EXITED);
  process.on("SIGTERM", () => stop("SIGTERM"));
  // In a terminal, Ctrl-C goes to the parent's whole group; a child waits for its parent's word instead.
  process.on("SIGINT", () => (child ? undefined : stop("SIGINT")));
  if (child) process.once("disconnect", onParentExit);
  return { stopped: promise, dispose: () => process.off("disconnect", onParentExit) };
}

function createWorkerLog(logger: pino.Logger): WorkerLog {
  return {
    debug: (message, fields) => logger.debug(fields ?? {}, message),
    info: (message, fields) => logger.info(fields ?? {}, message),
    warn: (message, fields) => logger.warn(fields ?? {}, message),
    error: (message, fields) => logger.error(fields ?? {}, message),
  };
}
