import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { CLI_ERRORS } from "#src/cli/messages.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { readVersion } from "#src/cli/version.ts";
import { LaneRegistry, openTransport } from "#src/cli/wiring/lanes.ts";
import { openConfiguredRedis } from "#src/cli/wiring/open-redis.ts";
import { openConfiguredTracer } from "#src/cli/wiring/open-tracer.ts";
import { loadConfig } from "#src/config/config.ts";
import { systemClock } from "#src/core/clock.ts";
import { createRedisLimiter } from "#src/limiter/redis-limiter.ts";
import { createKeys } from "#src/redis/keys.ts";
import { type ConnectWorker, SupervisedWorker } from "#src/workers/supervised-worker.ts";
import { startWorker } from "#src/workers/worker-host.ts";
import { throttleRepeatedWarnings } from "#src/workers/worker-log.ts";
import type { workerCommand } from "./definition.ts";
import { openLogger } from "./open-logger.ts";

/** `sluice worker`: takes jobs until it is stopped. */
export async function runWorker(options: OptionValues<typeof workerCommand>): Promise<number> {
  const config = loadConfig({ file: options.config });
  const { stopped, dispose } = waitForStop(options.child);
  const logger = await openLogger({
    level: config.logLevel,
    isTerminal: process.stderr.isTTY,
    colorize: !config.noColor && !config.isDumbTerminal,
    fd: 2,
  });
  const log = throttleRepeatedWarnings(logger, systemClock);
  const lanes = new LaneRegistry(config, openTransport(config));
  const capabilities = lanes.capabilities();
  if (capabilities.length === 0) {
    const names = config.providers.flatMap((name) => config.missing(name));
    throw CLI_ERRORS.noCredentials(names);
  }
  const tracer = await openConfiguredTracer(config);
  const connect: ConnectWorker = async (onStuck) => {
    const redis = await openConfiguredRedis(config, {
      onEvent: (event) => log.warn("redis", { ...event }),
      onWarning: (line) => log.warn(line.message, line.hint === undefined ? {} : { hint: line.hint }),
    });
    const keys = createKeys(config.namespace);
    const host = startWorker({
      redis: redis.source,
      keys,
      limiter: createRedisLimiter(redis.source.connect("commands"), keys),
      capabilities,
      embeddingLanes: (provider, model) => lanes.embeddingLanes(provider, model),
      chatLanes: (provider, model) => lanes.chatLanes(provider, model),
      rerankLanes: (provider, model) => lanes.rerankLanes(provider, model),
      version: readVersion(),
      log,
      tracer,
      onStuck,
      options: config.worker,
    });
    return { host, close: () => redis.close() };
  };
  const worker = new SupervisedWorker(connect, log);
  try {
    const host = await worker.start();
    await Promise.race([host.ready, stopped]);
    log.info("worker takes jobs", { worker: host.id, providers: lanes.providers() });
    // The parent may have exited; sending to a closed channel without a callback would end this process.
    if (process.connected) process.send?.({ type: "ready" }, () => undefined);
    const reason = await stopped;
    log.info("worker stops", { reason });
    if (!(await worker.stop())) {
      log.warn("worker stops without Redis: its jobs return to the queue when their locks expire");
      // Connections that wait for Redis keep the process alive.
      process.exit(EXIT_CODES.ok);
    }
    log.info("worker has stopped");
    return EXIT_CODES.ok;
  } finally {
    await Promise.all([worker.close(), tracer?.close()]);
    dispose();
    // An open channel with a listener keeps the process alive.
    if (process.connected) process.disconnect();
  }
}

const PARENT_EXITED = "the parent process has exited";

/**
 * Resolves at the first SIGTERM, SIGINT, SIGHUP or exit of the parent. A second request ends the process immediately. A child may
 * get the same SIGTERM from its parent and from its process group, so for a child only the exit of the parent counts as a
 * second request.
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
  // In a terminal, Ctrl-C reaches the whole process group; a child waits until its parent stops it.
  process.on("SIGINT", () => (child ? undefined : stop("SIGINT")));
  // A closed terminal does the same, and may send SIGHUP twice: from the shell and from the kernel.
  process.once("SIGHUP", () => (child ? undefined : stop("SIGHUP")));
  process.on("SIGHUP", () => undefined);
  if (child) process.once("disconnect", onParentExit);
  return { stopped: promise, dispose: () => process.off("disconnect", onParentExit) };
}
