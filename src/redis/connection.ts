import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Cluster, type ClusterOptions, Redis, type RedisOptions } from "ioredis";
import { type Clock, systemClock } from "#src/core/clock.ts";
import { ConfigError, coerceError, errorCode, RunError } from "#src/core/failures/errors.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import { closeClient } from "./connection-close.ts";
import { MALFORMED_EVENT } from "./stored-json.ts";
import { describeRedis, type RedisTarget, type RedisTls } from "./url.ts";

/**
 * Purpose of a connection: short commands, blocking commands, or BullMQ (which creates and closes its own blocking
 * duplicates).
 */
export type RedisRole = "commands" | "blocking" | "bullmq";

export type RedisEvent =
  | {
      readonly kind: "error";
      readonly role: RedisRole;
      readonly message: string;
      /** Errors of all connections with this message that were not reported since the last event with it. */
      readonly suppressed: number;
    }
  /** The first established connection was lost; commands wait and are sent again after reconnection. */
  | { readonly kind: "disconnected"; readonly role: RedisRole }
  /** All connections are established again. */
  | { readonly kind: "reconnected"; readonly role: RedisRole }
  /** A stored value could not be read and was skipped; once per place and connection. See `reportMalformed`. */
  | { readonly kind: "malformed"; readonly role: RedisRole; readonly place: string };

export interface RedisSource {
  readonly target: RedisTarget;
  /** Opens a connection that reconnects without limit; meanwhile its commands wait. The source closes it. */
  connect(role: RedisRole): Redis | Cluster;
  /** Connects once, without retrying; throws a RunError that names the server and the reason. */
  assertReachable(): Promise<void>;
  /** Waits for pending replies, closes all connections of this source, and resolves when they are closed. */
  close(): Promise<void>;
}

export interface RedisSourceOptions {
  readonly onEvent?: (event: RedisEvent) => void;
  readonly clock?: Clock;
  /** Returns a random number in [0, 1) for the reconnection jitter. */
  readonly random?: () => number;
}

type Client = Redis | Cluster;
/** The reply mapping is a parameter of the client's type; without it, the type is the default one. */
type ClientOptions = Omit<RedisOptions, "replyMapping">;

/** An outage is reported once, and then once a minute, for all connections of a source together. */
const REPORT_INTERVAL_MS = 60_000;
const CONNECT_TIMEOUT_MS = 5_000;
const MAX_MALFORMED_EVENTS = 100;
/** Different error messages per minute; bounds the memory for them, and a storm of messages that differ slightly. */
const MAX_ERROR_MESSAGES = 100;

/** Opens no connection before the first `connect` or `assertReachable`. Throws a ConfigError for an unreadable TLS file. */
export function openRedis(target: RedisTarget, options: RedisSourceOptions = {}): RedisSource {
  const { onEvent = () => {}, clock = systemClock, random = Math.random } = options;
  const tls = target.kind === "socket" || target.tls === undefined ? undefined : readTls(target.tls);
  const open = new Set<Client>();
  let closing = false;
  const report = (event: RedisEvent) => {
    if (!closing) onEvent(event);
  };
  const outages = new OutageReporter(clock, report);
  const delay = (attempt: number) => (closing ? null : reconnectDelay(attempt, random()));
  return {
    target,
    connect(role) {
      const client = createClient(target, {
        name: `sluice:${role}:${process.pid}`,
        // On a cluster, a pipelined command waits for an unavailable node; a single command is redirected.
        autoPipelining: role === "commands" && target.kind !== "cluster",
        lazyConnect: false,
        tls,
        delay,
        // The command waits for a master, so nothing else would show the reason.
        onReadonly: (error) => outages.recordError(role, error),
      });
      forwardEvents(client, role, outages);
      forwardMalformed(client, role, report);
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
      // A cluster's own error only says that no node could be reached; the reasons are in the errors of the nodes.
      for (const event of ["error", "node error"]) {
        client.on(event, (error: Error) => {
          if (last === undefined || event === "node error") last = error;
        });
      }
      try {
        const answered = client.connect().then(() => client.ping());
        // ioredis never settles the attempt on some Clusters that are still starting. A single server may load its data for
        // longer.
        await (target.kind === "cluster" ? Promise.race([answered, rejectAfterProbeLimit()]) : answered);
      } catch (error) {
        throw unreachableError(target, last ?? coerceError(error));
      } finally {
        await closeClient(client);
      }
    },
    async close() {
      closing = true;
      outages.stop();
      await Promise.all([...open].map(closeClient));
    },
  };
}

const PROBE_TIMEOUT_MS = 10_000;

async function rejectAfterProbeLimit(): Promise<never> {
  await once(AbortSignal.timeout(PROBE_TIMEOUT_MS), "abort");
  throw new Error(`no answer within ${PROBE_TIMEOUT_MS / 1_000} s`);
}

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
}

function createClient(
  target: RedisTarget,
  { name, autoPipelining, lazyConnect, tls, delay, onReadonly = () => undefined }: ConnectionOptions,
): Client {
  const common: ClientOptions = {
    connectionName: name,
    lazyConnect,
    // Saves system calls on both sides; blocking commands and BullMQ's own pipelines don't benefit.
    enableAutoPipelining: autoPipelining,
    // Workers must survive any outage; with a number here BullMQ refuses the connection.
    maxRetriesPerRequest: null,
    connectTimeout: CONNECT_TIMEOUT_MS,
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

function readTls(files: RedisTls): NonNullable<RedisOptions["tls"]> {
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

/** Reports outages of all connections of a source as one. */
class OutageReporter {
  readonly #clock: Clock;
  readonly #report: (event: RedisEvent) => void;
  readonly #down = new Set<Client>();
  readonly #errors = new Map<string, { readonly at: number; suppressed: number }>();
  #isReported = false;
  #lostAt = Number.NEGATIVE_INFINITY;
  /** Ends the wait until an outage that was not reported yet is. */
  #waiting: AbortController | undefined;

  constructor(clock: Clock, report: (event: RedisEvent) => void) {
    this.#clock = clock;
    this.#report = report;
  }

  recordError(role: RedisRole, error: Error): void {
    const now = this.#clock.now();
    // Only the message is passed on: a reply error also contains the command, and for AUTH that is the password.
    const message = describeConnectionError(error);
    const last = this.#errors.get(message);
    if (last && now - last.at < REPORT_INTERVAL_MS) {
      last.suppressed += 1;
      return;
    }
    this.#errors.delete(message);
    if (this.#errors.size >= MAX_ERROR_MESSAGES) this.#forgetErrors(now);
    if (this.#errors.size >= MAX_ERROR_MESSAGES) return;
    this.#errors.set(message, { at: now, suppressed: 0 });
    this.#report({ kind: "error", role, message, suppressed: last?.suppressed ?? 0 });
  }

  /**
   * Outages are reported once a minute: a connection may be lost again and again (a master that became a replica). One
   * that begins earlier is reported at the end of the minute if it still lasts.
   */
  recordLost(role: RedisRole, client: Client): void {
    this.#down.add(client);
    if (this.#isReported || this.#waiting) return;
    const waitMs = this.#lostAt + REPORT_INTERVAL_MS - this.#clock.now();
    if (waitMs <= 0) {
      this.#reportLost(role);
      return;
    }
    const waiting = new AbortController();
    this.#waiting = waiting;
    this.#clock.sleep(waitMs, waiting.signal).then(
      () => {
        if (waiting.signal.aborted) return;
        this.#waiting = undefined;
        this.#reportLost(role);
      },
      () => undefined,
    );
  }

  #reportLost(role: RedisRole): void {
    this.#isReported = true;
    this.#lostAt = this.#clock.now();
    this.#report({ kind: "disconnected", role });
  }

  recordReady(role: RedisRole, client: Client): void {
    this.forget(client);
    if (this.#down.size > 0 || !this.#isReported) return;
    this.#isReported = false;
    this.#report({ kind: "reconnected", role });
  }

  forget(client: Client): void {
    this.#down.delete(client);
    if (this.#down.size === 0) this.stop();
  }

  /** Reports no outage later. */
  stop(): void {
    this.#waiting?.abort();
    this.#waiting = undefined;
  }

  #forgetErrors(now: number): void {
    for (const [message, { at }] of this.#errors) {
      if (now - at >= REPORT_INTERVAL_MS) this.#errors.delete(message);
    }
  }
}

function forwardEvents(client: Client, role: RedisRole, outages: OutageReporter): void {
  let isUp = false;
  client.on("error", (error: Error) => outages.recordError(role, error));
  client.on("ready", () => {
    isUp = true;
    outages.recordReady(role, client);
  });
  // Not "close", which a connection that is closed on purpose emits too.
  client.on("reconnecting", () => {
    if (isUp) outages.recordLost(role, client);
    isUp = false;
  });
  client.once("end", () => outages.forget(client));
}

function forwardMalformed(client: Client, role: RedisRole, report: (event: RedisEvent) => void): void {
  const malformed = new Set<string>();
  client.on(MALFORMED_EVENT, (place: string) => {
    if (malformed.has(place) || malformed.size >= MAX_MALFORMED_EVENTS) return;
    malformed.add(place);
    report({ kind: "malformed", role, place });
  });
}

/** When a connection to several addresses fails, the causes are nested one or two levels deep. */
function describeConnectionError(error: Error): string {
  if (error instanceof AggregateError && error.message === "") {
    return error.errors.map((inner) => describeConnectionError(coerceError(inner))).join("; ");
  }
  const last = "lastNodeError" in error ? error.lastNodeError : undefined;
  return last instanceof Error ? `${error.message} (${describeConnectionError(last)})` : error.message;
}

function unreachableError(target: RedisTarget, error: Error): RunError {
  const reason = describeConnectionError(error);
  // A cluster client has only this message if it could not connect to any node.
  const message = target.kind === "cluster" && reason === "Connection is closed." ? "no node could be reached" : reason;
  const hint = /NOAUTH|WRONGPASS|AUTH/.test(message)
    ? "Check the user and the password in REDIS_URL."
    : /certificate|self.signed|SSL|TLS|wrong version number/i.test(message)
      ? "Check that the server speaks TLS on this port (rediss://) and that its certificate is trusted (?ca=file)."
      : "Check REDIS_URL, or leave it unset to let Sluice run a private Redis.";
  return new RunError(`cannot use Redis at ${describeRedis(target)}: ${message}`, hint);
}
