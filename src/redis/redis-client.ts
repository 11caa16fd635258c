import { readFileSync } from "node:fs";
import { Cluster, type ClusterOptions, Redis, type RedisOptions } from "ioredis";
import { ConfigError, errorCode } from "#src/core/failures/errors.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { RedisClient } from "./script.ts";
import type { RedisTarget, RedisTls } from "./url.ts";

/** The reply mapping is a parameter of the client's type; without it, the type is the default one. */
type ClientOptions = Omit<RedisOptions, "replyMapping">;

const CONNECT_TIMEOUT_MS = 5_000;
/**
 * A connection without any reply for this long is closed and opened again, and its commands are sent again: the network may
 * have lost it without telling. Longer than all commands block.
 */
const REPLY_TIMEOUT_MS = 15_000;

/** Exponential back-off from 50 ms to 2 s; half of the delay is random, so that clients don't reconnect all at once. */
export function reconnectDelay(attempt: number, random: number): number {
  const ceiling = Math.min(2_000, 50 * 2 ** Math.min(attempt, 10));
  return Math.round(ceiling / 2 + (ceiling / 2) * random);
}

interface ConnectionOptions {
  readonly name: string;
  /** Sends the commands of one turn of the event loop in one write. */
  readonly autoPipelining: boolean;
  /** Connects on `connect()`, not immediately. */
  readonly lazyConnect: boolean;
  readonly tls: NonNullable<RedisOptions["tls"]> | undefined;
  /** Redis has rejected a write, and the connection is closed and opened again. */
  readonly onReadonly?: (error: Error) => void;
  /** Delay before a reconnection in ms; null to give up. */
  readonly delay: (attempt: number) => number | null;
  readonly replyTimeoutMs?: number;
}

/** Creates a client that reconnects as `delay` says. It connects at once unless `lazyConnect` is set. */
export function createRedisClient(
  target: RedisTarget,
  {
    name,
    autoPipelining,
    lazyConnect,
    tls,
    delay,
    onReadonly = () => undefined,
    replyTimeoutMs = REPLY_TIMEOUT_MS,
  }: ConnectionOptions,
): RedisClient {
  const common: ClientOptions = {
    connectionName: name,
    lazyConnect,
    // Saves system calls on both sides; blocking commands and BullMQ's own pipelines don't benefit.
    enableAutoPipelining: autoPipelining,
    // Workers must survive any outage; with a number here BullMQ refuses the connection.
    maxRetriesPerRequest: null,
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: replyTimeoutMs,
    keepAlive: 10_000,
    maxLoadingRetryTime: 1_000,
    // With false, commands in flight would never settle after a lost connection.
    autoResendUnfulfilledCommands: true,
    // After a failover the old master replies READONLY; without a new connection, commands would be retried for ever.
    reconnectOnError: (error) => {
      if (!/\b(?:READONLY|UNBLOCKED)\b/.test(error.message)) return false;
      onReadonly(error);
      return 2;
    },
    ...omitUndefined({ username: target.login?.username, password: target.login?.password, tls }),
  };
  switch (target.kind) {
    case "standalone":
      return new Redis({ ...common, ...target.address, db: target.db, retryStrategy: delay });
    case "socket":
      return new Redis({ ...common, path: target.path, db: target.db, retryStrategy: delay });
    case "sentinel":
      return new Redis({
        ...common,
        sentinels: [...target.sentinels],
        name: target.master,
        db: target.db,
        retryStrategy: delay,
        sentinelRetryStrategy: delay,
        ...omitUndefined({
          sentinelUsername: target.sentinelLogin?.username,
          sentinelPassword: target.sentinelLogin?.password,
          enableTLSForSentinelMode: tls && true,
          sentinelTLS: tls,
        }),
      });
    case "cluster":
      return new Cluster([...target.nodes], clusterOptions(common, delay));
  }
}

function clusterOptions(
  common: ClientOptions,
  delay: (attempt: number) => number | null,
): Omit<ClusterOptions, "redisOptions"> & { redisOptions: ClientOptions } {
  const { lazyConnect = false, ...redisOptions } = common;
  return {
    lazyConnect,
    redisOptions,
    clusterRetryStrategy: delay,
    // No `clusterNodeRetryStrategy`: the connection to a lost node ends, and its commands look for the node that has their
    // slot now. Reconnecting instead would keep them from its replica, and ioredis never settles them if the node loses its
    // slots meanwhile.
    slotsRefreshTimeout: CONNECT_TIMEOUT_MS,
    // As with a single server, commands wait for as long as an outage lasts: a look every half second.
    maxRedirections: Number.POSITIVE_INFINITY,
    retryDelayOnFailover: 500,
    retryDelayOnClusterDown: 500,
    // Certificates contain host names, so names must not be resolved to addresses before the TLS handshake.
    dnsLookup: redisOptions.tls === undefined ? undefined : (host, done) => done(null, host),
  };
}

/** Reads the files of the URL's TLS parameters. Throws a ConfigError that names the file that cannot be read. */
export function readTlsFiles(files: RedisTls): NonNullable<RedisOptions["tls"]> {
  const tls: { ca?: Buffer; cert?: Buffer; key?: Buffer } = {};
  for (const name of ["ca", "cert", "key"] as const) {
    const path = files[name];
    if (path === undefined) continue;
    try {
      tls[name] = readFileSync(path);
    } catch (error) {
      const why = errorCode(error) ?? "unreadable";
      throw new ConfigError([`the file in the Redis URL's parameter ${name} cannot be read (${why}): ${path}`]);
    }
  }
  return tls;
}
