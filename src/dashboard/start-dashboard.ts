import type { FastifyInstance } from "fastify";
import { errorCode, RunError } from "../core/errors.ts";
import type { Lane, LaneLimits } from "../core/lane.ts";
import { createRedisLimiter } from "../limiter/redis-limiter.ts";
import type { RedisSource } from "../redis/connection.ts";
import type { Keys } from "../redis/keys.ts";
import { Audit } from "./audit.ts";
import { QueueBoard } from "./board/queue-board.ts";
import { createServer } from "./create-server.ts";
import { Door } from "./door/door.ts";
import { isLoopback } from "./door/loopback.ts";
import type { DoorPasswords } from "./door/passwords.ts";
import { sessionRoutes } from "./door/session-routes.ts";
import type { Person } from "./door/session-token.ts";
import { LiveChatList } from "./live/live-chats.ts";
import { LiveHub } from "./live/live-hub.ts";
import { liveRoutes } from "./live/live-routes.ts";
import { laneRoutes } from "./look/lane-routes.ts";
import { lookRoutes } from "./look/look-routes.ts";
import { QueueBook } from "./look/queue-book.ts";
import { RedisGate } from "./look/redis-gate.ts";
import { Sampler } from "./look/sampler.ts";
import { metricsRoute } from "./metrics-route.ts";
import { findPages, pageFiles } from "./page-files.ts";
import { LatestRecordsReader } from "./runs/latest-records.ts";
import { type OwnCommand, RetryProcesses } from "./runs/retry-processes.ts";
import { RunBook } from "./runs/run-book.ts";
import { RunDesk } from "./runs/run-desk.ts";
import { RunHistory } from "./runs/run-history.ts";
import { runRoutes } from "./runs/run-routes.ts";
import { type EmbedQuery, RunSearch } from "./runs/run-search.ts";

export interface DashboardOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly passwords: DoorPasswords;
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
  readonly command: OwnCommand;
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
  const door = new Door({ host, passwords: options.passwords });
  const parts = createParts(options, door);
  const pages = findPages();
  const server = await createServer({
    door,
    onError: options.onError,
    plugins: [...routesOf(parts, door, options), ...(options.plugins ?? []), pageFiles(pages)],
  });
  let closing: Promise<void> | undefined;
  const close = async () => {
    parts.hub.close();
    parts.records.close();
    parts.sampler.close();
    await parts.retries.close();
    await server.close();
    await parts.queues.close();
  };
  try {
    const port = await listen(server, host, options.port);
    const shown = isLoopback(host) || host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
    return {
      url: `http://${shown.includes(":") ? `[${shown}]` : shown}:${port}`,
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

type Parts = ReturnType<typeof createParts>;

function createParts({ redis, keys, onError, ...options }: DashboardOptions, door: Door) {
  const client = redis.connect("commands");
  const gate = new RedisGate(client);
  const audit = new Audit(client, keys);
  const board = new QueueBoard({ gate, audit, discover: () => queues.discover() });
  const queues: QueueBook = new QueueBook({
    redis,
    client,
    keys,
    providers: options.providers,
    onQueue: (queue) => board.add(queue),
  });
  const limits = { limiter: createRedisLimiter(client, keys), limitsOf: options.limitsOf };
  const book = new RunBook(client, keys);
  const history = new RunHistory();
  const sampler = new Sampler({
    ...limits,
    client,
    keys,
    gate,
    queues,
    runs: book,
    isPrivate: options.isPrivateRedis,
    onLook: ({ runs }) => history.note(runs),
    onError,
  });
  const retries = new RetryProcesses(options.command);
  const desk = new RunDesk({ client, keys, gate, sampler, book, retries });
  const records = new LatestRecordsReader({ redis, client, keys, gate });
  const lanes = () => sampler.latest?.lanes ?? [];
  const chats = new LiveChatList({ queues, gate, client, keys, lanes });
  const follow = { client, keys, gate };
  const isOver = (person: Person) => door.isOver(person);
  const hub = new LiveHub({ sampler, gate, desk, records, chats, follow, isOver, onError });
  return {
    client,
    keys,
    gate,
    audit,
    board,
    queues,
    limits,
    history,
    sampler,
    retries,
    desk,
    records,
    chats,
    hub,
  };
}

function routesOf(parts: Parts, door: Door, { version, namespace, embedQuery, onError }: DashboardOptions) {
  const { client, keys, gate, audit, board, limits, history, sampler, desk, records, chats, hub } = parts;
  return [
    sessionRoutes({ door, audit, gate, version, namespace }),
    lookRoutes({ sampler, gate, audit }),
    laneRoutes({ ...limits, sampler, gate, audit }),
    runRoutes({ desk, audit, history, records, search: new RunSearch(embedQuery) }),
    liveRoutes({ hub, chats, audit, onError }),
    metricsRoute({ door, sampler, gate, client, keys, version }),
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
      throw new RunError(
        `port ${port} may not be used by this user`,
        "choose one from 1024 on with --port",
        error,
      );
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
