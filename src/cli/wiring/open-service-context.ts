import { pino } from "pino";
import { loadConfig } from "#src/config/config.ts";
import { describeRedisEvent } from "#src/redis/redis-event.ts";
import { listenForInterrupt } from "./interrupt.ts";
import { openConfiguredRedis } from "./open-redis.ts";

/** Opens what every long-running service needs. The log goes to stderr. */
export async function openServiceContext(configFile: string | undefined) {
  const config = loadConfig({ file: configFile });
  const interrupt = listenForInterrupt();
  const log = pino({ level: config.logLevel, base: null }, pino.destination({ fd: 2, sync: true }));
  const redis = await openConfiguredRedis(config, {
    onEvent: (event) => log.warn(describeRedisEvent(event)),
    onWarning: ({ message, hint }) => log.warn(hint === undefined ? message : `${message}. ${hint}`),
  });
  return { config, interrupt, log, redis };
}
