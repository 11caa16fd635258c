import { readFileSync } from "node:fs";
import { Cluster, type ClusterOptions, Redis, type RedisOptions } from "ioredis";
import { type Clock, systemClock } from "#src/core/clock.ts";
import { ConfigError, coerceError, errorCode, RunError } from "#src/core/errors.ts";
import { closeClient } from "./connection-close.ts";
import { MALFORMED_EVENT } from "./replies.ts";
import { describeRedis, type RedisLogin, type RedisTarget, type RedisTls } from "./url.ts";

/**
 * What a connection is for: short commands, commands that block on the server, or BullMQ (which makes and closes
 * blocking copies of its own).
 */
export type RedisRole = "commands" | "blocking" | "bullmq";

export type RedisEvent =
  | {
      readonly kind: "error";
      readonly role: RedisRole;
      readonly message: string;
      /** Errors of this role that were kept back since the last event. */
      readonly suppressed: number;
    }
  /** An established connection broke; commands wait and are sent again when it is back. */
  | { readonly kind: "disconnected"; readonly role: RedisRole }
  | { readonly kind: "reconnected"; readonly role: RedisRole }
  /** A stored value could not be read and was skipped; once per place and connection. See `reportMalformed`. */
  | { readonly kind: "malformed"; readonly role: RedisRole; readonly place: string };

export interface RedisSource {
  readonly target: RedisTarget;
  /** Opens a connection that never gives up: while Redis is away, commands wait. The source closes it. */
  connect(role: RedisRole): Redis | Cluster;
  /** Connects once, without patience; throws a RunError that names the server and what it or the network said. */
  assertReachable(): Promise<void>;
  /** Closes every connection this source opened and resolves when they are gone; replies under way are awaited. */
  close(): Promise<void>;
}

export interface RedisSourceOptions {
  readonly onEvent?: (event: RedisEvent) => void;
  readonly clock?: Clock;
  /** Random number in [0, 1) for the reconnection jitter. */
  readonly random?: () => number;
}

type Client = Redis | Cluster;
/** The reply mapping is part of a client's type; leaving it out keeps the default one. */
type ClientOptions = Omit<RedisOptions, "replyMapping">;

const ERROR_EVENT_EVERY_MS = 5_000;
const CONNECT_TIMEOUT_MS = 5_000;
const MAX_MALFORMED_EVENTS = 100;

/** Nothing is opened before the first `connect` or `reach`; throws a ConfigError when a TLS file cannot be read. */
export function openRedis(target: RedisTarget, options: RedisSourceOptions = {}): RedisSource {
  const { onEvent = () => {}, clock = systemClock, random = Math.random } = options;
  const tls = target.kind === "socket" || target.tls === undefined ? undefined : readTls(target.tls);
  const open = new Set<Client>();
  let closing = false;
  const delay = (attempt: number) => (closing ? null : reconnectDelay(attempt, random()));
  return {
    target,
    connect(role) {
      const client = createClient(target, {
        name: `sluice:${role}:${process.pid}`,
        // A cluster's gathered commands wait for the node that is away; single ones find their way around it.
        autoPipelining: role === "commands" && target.kind !== "cluster",
        lazyConnect: false,
        tls,
        delay,
      });
      forwardEvents(client, role, clock, (event) => {
        if (!closing) onEvent(event);
      });
      open.add(client);
      client.once("end", () => open.delete(client));
      return client;
    },
    async assertReachable() {
      const client = createClient(target, {
        name: `sluice:reach:${process.pid}`,
        autoPipelining: false,
        lazyConnect: true,
        tls,
        delay: () => null,
      });
      let last: Error | undefined;
      // A cluster's own error only says that no node could be asked; why not is said node by node.
      for (const event of ["error", "node error"]) {
        client.on(event, (error: Error) => {
          if (last === undefined || event === "node error") last = error;
        });
      }
      try {
        await client.connect();
        await client.ping();
      } catch (error) {
        throw unreachableError(target, last ?? coerceError(error));
      } finally {
        await closeClient(client);
      }
    },
    async close() {
      closing = true;
      await Promise.all([...open].map(closeClient));
    },
  };
}

/** Full exponential growth from 50 ms to 2 s, half of it random, so that a fleet does not return in one wave. */
export function reconnectDelay(attempt: number, random: number): number {
  const ceiling = Math.min(2_000, 50 * 2 ** Math.min(attempt, 10));
  return Math.round(ceiling / 2 + (ceiling / 2) * random);
}

interface ConnectionOptions {
  readonly name: string;
  /** Commands of one turn of the event loop leave in one write. */
  readonly autoPipelining: boolean;
  /** Connects when asked to, not at once. */
  readonly lazyConnect: boolean;
  readonly tls: NonNullable<RedisOptions["tls"]> | undefined;
  /** Pause before a reconnection in ms; null gives up. */
  readonly delay: (attempt: number) => number | null;
}

function createClient(
  target: RedisTarget,
  { name, autoPipelining, lazyConnect, tls, delay }: ConnectionOptions,
): Client {
  const common: ClientOptions = {
    connectionName: name,
    lazyConnect: lazyConnect,
    // A write is a system call, here and at the server; blocking commands and BullMQ's pipelines gain nothing by it.
    enableAutoPipelining: autoPipelining,
    // A worker must outlast any outage; with a number here BullMQ refuses the connection.
    maxRetriesPerRequest: null,
    connectTimeout: CONNECT_TIMEOUT_MS,
    keepAlive: 10_000,
    maxLoadingRetryTime: 1_000,
    // False would leave commands in flight unsettled for ever when the connection breaks.
    autoResendUnfulfilledCommands: true,
    // After a failover the old master answers READONLY; without a new connection that is an endless hot loop.
    reconnectOnError: (error) => (/\b(?:READONLY|UNBLOCKED)\b/.test(error.message) ? 2 : false),
    ...credentials(target.login),
    ...(tls === undefined ? {} : { tls }),
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
        ...sentinelCredentials(target.sentinelLogin),
        ...(tls === undefined ? {} : { enableTLSForSentinelMode: true, sentinelTLS: tls }),
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
    // Without it a node that restarts while keeping its slots is never connected again.
    clusterNodeRetryStrategy: delay,
    slotsRefreshTimeout: CONNECT_TIMEOUT_MS,
    // A failover takes seconds: 64 redirections, half a second apart, outlast it.
    maxRedirections: 64,
    retryDelayOnFailover: 500,
    retryDelayOnClusterDown: 500,
    // A certificate names hosts, so a host name must not be resolved to an address before the TLS handshake.
    dnsLookup: redisOptions.tls === undefined ? undefined : (host, done) => done(null, host),
  };
}

function credentials(login: RedisLogin | undefined): ClientOptions {
  if (login === undefined) return {};
  const { username, password } = login;
  return username === undefined ? { password } : { username, password };
}

function sentinelCredentials(login: RedisLogin | undefined): ClientOptions {
  if (login === undefined) return {};
  const { username, password } = login;
  return {
    sentinelPassword: password,
    sentinelUsername: username,
  };
}

function readTls(files: RedisTls): NonNullable<RedisOptions["tls"]> {
  const tls: { ca?: Buffer; cert?: Buffer; key?: Buffer } = {};
  for (const name of ["ca", "cert", "key"] as const) {
    const path = files[name];
    if (path === undefined) continue;
    try {
      tls[name] = readFileSync(path);
    } catch (error) {
      const why = errorCode(error) ?? "unreadable";
      throw new ConfigError([`the Redis URL's parameter ${name} names a file that cannot be read (${why}): ${path}`]);
    }
  }
  return tls;
}

function forwardEvents(client: Client, role: RedisRole, clock: Clock, onEvent: (event: RedisEvent) => void): void {
  let suppressed = 0;
  let lastErrorAt = Number.NEGATIVE_INFINITY;
  let state: "new" | "up" | "down" = "new";
  client.on("error", (error: Error) => {
    if (clock.now() - lastErrorAt < ERROR_EVENT_EVERY_MS) {
      suppressed += 1;
      return;
    }
    lastErrorAt = clock.now();
    // Only the message: a reply error also carries the command, and with AUTH that is the password.
    onEvent({ kind: "error", role, message: describeConnectionError(error), suppressed });
    suppressed = 0;
  });
  const malformed = new Set<string>();
  client.on(MALFORMED_EVENT, (place: string) => {
    if (malformed.has(place) || malformed.size >= MAX_MALFORMED_EVENTS) return;
    malformed.add(place);
    onEvent({ kind: "malformed", role, place });
  });
  client.on("ready", () => {
    if (state === "down") onEvent({ kind: "reconnected", role });
    state = "up";
  });
  client.on("close", () => {
    if (state !== "up") return;
    state = "down";
    onEvent({ kind: "disconnected", role });
  });
}

/** Connection errors of several addresses hide their causes one or two levels down. */
function describeConnectionError(error: Error): string {
  if (error instanceof AggregateError && error.message === "") {
    return error.errors.map((inner) => describeConnectionError(coerceError(inner))).join("; ");
  }
  const last = "lastNodeError" in error ? error.lastNodeError : undefined;
  return last instanceof Error ? `${error.message} (${describeConnectionError(last)})` : error.message;
}

function unreachableError(target: RedisTarget, error: Error): RunError {
  const reason = describeConnectionError(error);
  // All a cluster client says when no node let it in.
  const message = target.kind === "cluster" && reason === "Connection is closed." ? "no node could be reached" : reason;
  const hint = /NOAUTH|WRONGPASS|AUTH/.test(message)
    ? "Check the user and the password in REDIS_URL."
    : /certificate|self.signed|SSL|TLS|wrong version number/i.test(message)
      ? "Check that the server speaks TLS on this port (rediss://) and that its certificate is trusted (?ca=file)."
      : "Check REDIS_URL, or leave it unset to let Sluice run a private Redis.";
  return new RunError(`no usable Redis at ${describeRedis(target)}: ${message}`, hint);
}
