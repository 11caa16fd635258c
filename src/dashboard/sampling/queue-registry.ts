import type { QueueView } from "#src/dashboard/overview/overview-api.ts";
import { type JobKind, type JobPriority, queueName } from "#src/queues/names.ts";
import { openQueue, type Queue } from "#src/queues/open-queue.ts";
import type { RedisSource } from "#src/redis/connection.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";

export interface RegisteredQueue {
  readonly provider: string;
  readonly kind: JobKind;
  readonly priority: JobPriority;
  readonly queue: Queue;
}

export interface QueueRegistryDeps {
  readonly redis: RedisSource;
  readonly client: RedisClient;
  readonly keys: Keys;
  /** Names of all providers that may have queues. */
  readonly providers: () => readonly string[];
  /** Called once for each queue that is discovered. */
  readonly onQueue?: (queue: RegisteredQueue) => void;
}

const DISCOVERY_INTERVAL_MS = 5_000;
const KINDS: readonly JobKind[] = ["embedding", "chat", "rerank"];
const PRIORITIES: readonly JobPriority[] = ["bulk", "interactive"];

/** The queues that exist in this namespace. Their names follow from the providers' names, so each is looked up. */
export class QueueRegistry {
  readonly #deps: QueueRegistryDeps;
  readonly #connection: RedisClient;
  readonly #queues = new Map<string, RegisteredQueue>();
  #discoveredAt = Number.NEGATIVE_INFINITY;
  #discovering: Promise<void> = Promise.resolve();

  constructor(deps: QueueRegistryDeps) {
    this.#deps = deps;
    this.#connection = deps.redis.connect("bullmq");
  }

  list(): RegisteredQueue[] {
    return [...this.#queues.values()];
  }

  /** Looks for new queues, at most every five seconds; one command per name that is not known yet. */
  discover(): Promise<void> {
    const now = performance.now();
    if (now - this.#discoveredAt >= DISCOVERY_INTERVAL_MS) {
      this.#discoveredAt = now;
      // Callers during the discovery wait for its end.
      this.#discovering = this.#discoverNow();
    }
    return this.#discovering;
  }

  async #discoverNow(): Promise<void> {
    const { client, keys, providers } = this.#deps;
    const candidates = providers().flatMap((provider) =>
      KINDS.flatMap((kind) =>
        PRIORITIES.map((priority) => ({ provider, kind, priority, name: queueName(provider, kind, priority) })),
      ),
    );
    const unknown = candidates.filter(({ name }) => !this.#queues.has(name));
    const exist = await Promise.all(unknown.map(({ name }) => client.exists(`${keys.queuePrefix(name)}:${name}:meta`)));
    for (const [i, { name, ...rest }] of unknown.entries()) {
      if (exist[i] === 1) this.#add(name, rest);
    }
  }

  /** Counts the jobs of every queue with two commands each, whatever the number of jobs. */
  async count(): Promise<(QueueView & { readonly provider: string })[]> {
    return await Promise.all(
      this.list().map(async ({ queue, provider, kind, priority }) => {
        const [counts, isPaused] = await Promise.all([
          queue.getJobCounts("wait", "prioritized", "active", "delayed"),
          queue.isPaused(),
        ]);
        const { wait = 0, prioritized = 0, active = 0, delayed = 0 } = counts;
        return {
          provider,
          name: queue.name,
          kind,
          priority,
          waiting: wait + prioritized,
          active,
          delayed,
          paused: isPaused ? true : undefined,
        };
      }),
    );
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.list().map(({ queue }) => queue.close()));
  }

  #add(name: string, about: Omit<RegisteredQueue, "queue">): void {
    const queue = openQueue(name, { connection: this.#connection, keys: this.#deps.keys, isObserver: true });
    const registered = { ...about, queue };
    this.#queues.set(name, registered);
    this.#deps.onQueue?.(registered);
  }
}
