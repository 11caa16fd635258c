import type { Lane, LaneLimits } from "#src/core/lane.ts";
import { createRedisLimiter } from "#src/limiter/redis-limiter.ts";
import type { RedisSource } from "#src/redis/connection.ts";
import type { Keys } from "#src/redis/keys.ts";
import { Audit } from "./audit/audit.ts";
import type { Authenticator } from "./auth/authenticator.ts";
import { EvaluationService } from "./evaluations/evaluation-service.ts";
import { FailureCauseService } from "./items/causes/failure-cause-service.ts";
import { ItemService } from "./items/item-service.ts";
import { LatestRecordsReader } from "./items/reading/latest-records.ts";
import { RunItemReader } from "./items/reading/run-item-reader.ts";
import { type EmbedQuery, RunSearch } from "./items/run-search.ts";
import { SearchIndexes } from "./items/search-indexes.ts";
import { LiveChatList } from "./live/live-chats.ts";
import { LiveHub } from "./live/live-hub.ts";
import { QueueBoard } from "./queues/queue-board.ts";
import { RunCache } from "./runs/run-cache.ts";
import { RunHistory } from "./runs/run-history.ts";
import { type CliCommand, RunProcesses } from "./runs/run-processes.ts";
import { RunService } from "./runs/run-service.ts";
import { QueueRegistry, type RegisteredQueue } from "./sampling/queue-registry.ts";
import { RedisCircuitBreaker } from "./sampling/redis-circuit-breaker.ts";
import { SnapshotSampler } from "./sampling/snapshot-sampler.ts";

export interface ServiceOptions {
  readonly redis: RedisSource;
  readonly keys: Keys;
  /** Redis was started by Sluice itself. */
  readonly isPrivateRedis: boolean;
  /** Names of all providers that can be configured. */
  readonly providers: () => readonly string[];
  /** The configured limits of a lane; undefined for a lane that cannot exist. */
  readonly limitsOf: (lane: Lane) => LaneLimits | undefined;
  readonly embedQuery: EmbedQuery;
  readonly command: CliCommand;
  readonly onError: (error: Error, where: string) => void;
}

export type DashboardServices = ReturnType<typeof createServices>;

/** Creates everything that the routes need. */
export function createServices(options: ServiceOptions, authenticator: Authenticator) {
  const { redis, keys, embedQuery, command, onError } = options;
  const observers = createObservers(options);
  const { client, breaker, queues, runCache, sampler } = observers;
  const retries = new RunProcesses(command);
  const runService = new RunService({ breaker, sampler, runCache, retries });
  const itemReader = new RunItemReader();
  const indexes = new SearchIndexes();
  const causes = new FailureCauseService({ client, keys, breaker, runService, itemReader });
  const items = new ItemService({ client, keys, breaker, runService, itemReader, causes, indexes });
  const evaluations = new EvaluationService({ sampler, runService });
  const search = new RunSearch(embedQuery);
  const records = new LatestRecordsReader({ redis, client, keys, breaker, itemReader });
  const lanes = () => sampler.latest?.lanes ?? [];
  const chats = new LiveChatList({ queues, breaker, client, keys, lanes });
  const hub = new LiveHub({
    sampler,
    breaker,
    runService,
    records,
    chats,
    follow: { client, keys, breaker },
    isSessionExpired: (principal) => authenticator.isSessionExpired(principal),
    onError,
  });
  return { ...observers, retries, runService, evaluations, causes, items, indexes, search, records, chats, hub };
}

/** What reads the state of the whole system from Redis. */
function createObservers({ redis, keys, isPrivateRedis, providers, limitsOf, onError }: ServiceOptions) {
  const client = redis.connect("commands");
  const breaker = new RedisCircuitBreaker(client);
  const audit = new Audit(client, keys);
  const board = new QueueBoard({ breaker, audit, discover: () => queues.discover() });
  const onQueue = (queue: RegisteredQueue) => board.add(queue);
  const queues: QueueRegistry = new QueueRegistry({ redis, client, keys, providers, onQueue });
  const limiter = createRedisLimiter(client, keys);
  const runCache = new RunCache(client, keys);
  const history = new RunHistory();
  const sampler = new SnapshotSampler({
    limiter,
    limitsOf,
    client,
    keys,
    breaker,
    queues,
    runs: runCache,
    isPrivate: isPrivateRedis,
    onSnapshot: ({ runs }) => history.record(runs),
    onError,
  });
  return { client, keys, breaker, audit, board, queues, limiter, limitsOf, runCache, history, sampler };
}
