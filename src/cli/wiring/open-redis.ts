import type { Config } from "#src/config/config.ts";
import { openRedis, type RedisSource } from "#src/redis/connection.ts";
import { startPrivateRedis } from "#src/redis/private-server/private-server.ts";
import type { RedisEvent } from "#src/redis/redis-event.ts";
import { parseRedisUrl } from "#src/redis/url.ts";
import { checkRedis, type ServerWarning } from "./check-redis.ts";

export interface OpenedRedis {
  readonly source: RedisSource;
  readonly isPrivate: boolean;
  /** Closes all connections and leaves the private server, which stops with its last user. Idempotent. */
  close(): Promise<void>;
}

export interface OpenRedisOptions {
  readonly onEvent?: (event: RedisEvent) => void;
  /** A warning about the configured Redis. */
  readonly onWarning?: (line: ServerWarning) => void;
}

/**
 * Opens the Redis of this configuration: the one at REDIS_URL, after checking it, or the private one of the folder. Throws
 * RunError if it cannot be reached or used.
 */
export async function openConfiguredRedis(config: Config, options: OpenRedisOptions = {}): Promise<OpenedRedis> {
  const { onEvent = () => undefined, onWarning = () => undefined } = options;
  if (config.redisUrl === undefined) {
    const server = await startPrivateRedis(config.home, {
      serverPath: config.redisServer,
    });
    const source = openRedis(server.target, { onEvent });
    let closing: Promise<void> | undefined;
    return {
      source,
      isPrivate: true,
      close: () => {
        closing ??= source.close().then(() => server.leave());
        return closing;
      },
    };
  }
  const source = openRedis(parseRedisUrl(config.redisUrl.reveal()), { onEvent });
  try {
    await source.assertReachable();
    for (const line of await checkRedis(source)) onWarning(line);
  } catch (error) {
    await source.close();
    throw error;
  }
  return { source, isPrivate: false, close: () => source.close() };
}
