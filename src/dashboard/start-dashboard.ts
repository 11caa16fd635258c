import type { FastifyInstance } from "fastify";
import { errorCode, RunError } from "#src/core/errors.ts";
import type { Lane, LaneLimits } from "#src/core/lane.ts";
import { createRedisLimiter } from "#src/limiter/redis-limiter.ts";
import type { RedisSource } from "#src/redis/connection.ts";
import type { Keys } from "#src/redis/keys.ts";
import { Audit } from "./audit/audit.ts";
import { Authenticator } from "./auth/authenticator.ts";
import { isLoopback } from "./auth/loopback.ts";
import type { AuthPasswords } from "./auth/password-verifier.ts";
import { sessionRoutes } from "./auth/session-routes.ts";
import type { Principal } from "./auth/session-token.ts";
import { createServer } from "./create-server.ts";
import { findPages, pageFiles } from "./http/page-files.ts";
import { LatestRecordsReader } from "./items/latest-records.ts";
import { type EmbedQuery, RunSearch } from "./items/run-search.ts";
import { LiveChatList } from "./live/live-chats.ts";
import { LiveHub } from "./live/live-hub.ts";
import { liveRoutes } from "./live/live-routes.ts";
import { metricsRoute } from "./metrics/metrics-route.ts";
import { laneRoutes } from "./overview/lane-routes.ts";
import { overviewRoutes } from "./overview/overview-routes.ts";
import { QueueBoard } from "./queues/queue-board.ts";
import { type CliCommand, RetryProcesses } from "./runs/retry-processes.ts";
import { RunCache } from "./runs/run-cache.ts";
import { RunHistory } from "./runs/run-history.ts";
import { runRoutes } from "./runs/run-routes.ts";
import { RunService } from "./runs/run-service.ts";
import { QueueRegistry } from "./snapshot/queue-registry.ts";
import { RedisCircuitBreaker } from "./snapshot/redis-circuit-breaker.ts";
import { SnapshotSampler } from "./snapshot/snapshot-sampler.ts";

export interface DashboardOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly passwords: AuthPasswords;
  readonly redis: RedisSource;
  readonly keys: Keys;
  readonly namespace: string;
  /** Redis was started by Sluice itself. */
  readonly isPrivateRedis: boolean;
  readonly version: string;
  /** Names of all providers that can be configured. */
  readonly providers: () => readonly string[];
  /** The limits that the configuration has for a lane; undefined for one that cannot be. */
  readonly limitsOf: (lane: Lane) => LaneLimits | undefined;
  readonly embedQuery: EmbedQuery;
  readonly command: CliCommand;
  readonly onError: (error: Error, where: string) => void;
  /** Further parts of the same server, such as an API. */
  readonly plugins?: readonly ((server: FastifyInstance) => Promise<void>)[];
}

export interface Dashboard {
  /** Where people open it: "http://127.0.0.1:8787" */
  readonly url: string;
  readonly port: number;
  /** The pages have been built. */
  readonly hasPages: boolean;
  /** Ends streams, retries and the server, in this order. The Redis source is the caller's. Idempotent. */
  close(): Promise<void>;
}

/** The address is taken by another process. */
export class PortTakenError extends RunError {
  constructor(host: string, port: number) {
    super(`port ${port} on ${host} is in use`, "choose another one with --port, or stop what listens there");
  }
}

/** Starts the server; throws a RunError when the address cannot be used, or must not be without a password. */
export async function startDashboard(options: DashboardOptions): Promise<Dashboard> {
  const { host } = options;
  const authenticator = new Authenticator({ host, passwords: options.passwords });
  const services = createServices(options, authenticator);
  const pages = findPages();
  const server = await createServer({
    authenticator,
    onError: options.onError,
    plugins: [...createRoutes(services, authenticator, options), ...(options.plugins ?? []), pageFiles(pages)],
  });
  let closing: Promise<void> | undefined;
  const close = async () => {
    services.hub.close();
    services.records.close();
    services.sampler.close();
    await services.retries.close();
    await server.close();
    await services.queues.close();
  };
  try {
    const port = await listen(server, host, options.port);
    const displayHost = isLoopback(host) || host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
    return {
      url: `http://${displayHost.includes(":") ? `[${displayHost}]` : displayHost}:${port}`,
      port,
      hasPages: pages !== undefined,
      close: () => {
        closing ??= close();
        return closing;
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

type Services = ReturnType<typeof createServices>;

function createServices({ redis, keys, onError, ...options }: DashboardOptions, authenticator: Authenticator) {
  const client = redis.connect("commands");
  const breaker = new RedisCircuitBreaker(client);
  const audit = new Audit(client, keys);
  const board = new QueueBoard({ breaker, audit, discover: () => queues.discover() });
  const queues: QueueRegistry = new QueueRegistry({
    redis,
    client,
    keys,
    providers: options.providers,
    onQueue: (queue) => board.add(queue),
  });
  const limits = { limiter: createRedisLimiter(client, keys), limitsOf: options.limitsOf };
  const runCache = new RunCache(client, keys);
  const history = new RunHistory();
  const sampler = new SnapshotSampler({
    ...limits,
    client,
    keys,
    breaker,
    queues,
    runs: runCache,
    isPrivate: options.isPrivateRedis,
    onSnapshot: ({ runs }) => history.record(runs),
    onError,
  });
  const retries = new RetryProcesses(options.command);
  const runService = new RunService({ client, keys, breaker, sampler, runCache, retries });
  const records = new LatestRecordsReader({ redis, client, keys, breaker });
  const lanes = () => sampler.latest?.lanes ?? [];
  const chats = new LiveChatList({ queues, breaker, client, keys, lanes });
  const follow = { client, keys, breaker };
  const isSessionExpired = (principal: Principal) => authenticator.isSessionExpired(principal);
  const hub = new LiveHub({
    sampler,
    breaker,
    runService,
    records,
    chats,
    follow,
    isSessionExpired,
    onError,
  });
  return {
    client,
    keys,
    breaker,
    audit,
    board,
    queues,
    limits,
    history,
    sampler,
    retries,
    runService,
    records,
    chats,
    hub,
  };
}

function createRoutes(
  services: Services,
  authenticator: Authenticator,
  { version, namespace, embedQuery, onError }: DashboardOptions,
) {
  const { client, keys, breaker, audit, board, limits, history, sampler, runService, records, chats, hub } = services;
  return [
    sessionRoutes({ authenticator, audit, breaker, version, namespace }),
    overviewRoutes({ sampler, breaker, audit }),
    laneRoutes({ ...limits, sampler, breaker, audit }),
    runRoutes({ runService, audit, history, records, search: new RunSearch(embedQuery) }),
    liveRoutes({ hub, chats, audit, onError }),
    metricsRoute({ authenticator, sampler, breaker, client, keys, version }),
    board.routes(),
  ];
}

async function listen(server: FastifyInstance, host: string, port: number): Promise<number> {
  try {
    await server.listen({ host, port });
  } catch (error) {
    const code = errorCode(error);
    if (code === "EADDRINUSE") throw new PortTakenError(host, port);
    if (code === "EACCES") {
      throw new RunError(`port ${port} may not be used by this user`, "choose one from 1024 on with --port", error);
    }
    if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") {
      throw new RunError(
        `${host} is no address of this machine`,
        "choose another one with --host, such as 127.0.0.1 or 0.0.0.0",
        error,
      );
    }
    throw error;
  }
  const address = server.server.address();
  return typeof address === "object" && address !== null ? address.port : port;
}
