import type { Config } from "#src/config/config.ts";
import { openRedis, type RedisEvent, type RedisSource } from "#src/redis/connection.ts";
import { startPrivateRedis } from "#src/redis/private/private-server.ts";
import { parseRedisUrl } from "#src/redis/url.ts";
import { checkRedis, type ServerWarning } from "./check-redis.ts";

export interface OpenedRedis {
  readonly source: RedisSource;
  readonly isPrivate: boolean;
  /** Closes every connection and leaves the private server, which ends with its last user. Idempotent. */
  close(): Promise<void>;
}

export interface OpenRedisOptions {
  readonly onEvent?: (event: RedisEvent) => void;
  /** What was found at a given Redis that a person should know. */
  readonly onWarning?: (line: ServerWarning) => void;
}

/**
 * The Redis of this configuration: the one at REDIS_URL, checked, or else the private one of the folder. Throws a
 * RunError when it cannot be reached or may not be used.
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

/** A sentence about a connection, for people. */
export function describeRedisEvent(event: RedisEvent): string {
  switch (event.kind) {
    case "disconnected":
      return "the connection to Redis broke; waiting for it to come back";
    case "reconnected":
      return "Redis is back";
    case "malformed":
      return `Redis: skipped a malformed value in ${event.place}`;
    case "error":
      return `Redis: ${event.message}`;
  }
}
