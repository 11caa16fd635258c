import type { LaneView } from "#src/dashboard/overview/lane-api.ts";
import type { QueueRegistry, RegisteredQueue } from "#src/dashboard/sampling/queue-registry.ts";
import type { RedisCircuitBreaker } from "#src/dashboard/sampling/redis-circuit-breaker.ts";
import { parsePayload } from "#src/queues/payload.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import type { LiveChat, LiveChats } from "./chat-api.ts";

const MAX_SHOWN = 100;

export interface LiveChatDeps {
  readonly queues: QueueRegistry;
  readonly breaker: RedisCircuitBreaker;
  readonly client: RedisClient;
  readonly keys: Keys;
  /** The lanes of the latest snapshot. */
  readonly lanes: () => readonly LaneView[];
}

/**
 * The chat items whose jobs workers hold now, from BullMQ's lists of active jobs. A worker holds more jobs than it has
 * calls in flight: the others wait for a reservation.
 */
export class LiveChatList {
  readonly #deps: LiveChatDeps;
  /** The items of active jobs, cached so that each job's data, which contains the requests, is read once. */
  #known = new Map<string, readonly LiveChat[]>();
  #reading: Promise<LiveChats> | undefined;

  constructor(deps: LiveChatDeps) {
    this.#deps = deps;
  }

  /** Shared by concurrent callers. */
  read(): Promise<LiveChats> {
    this.#reading ??= this.#deps.breaker
      .run(() => this.#read())
      .finally(() => {
        this.#reading = undefined;
      });
    return this.#reading;
  }

  async #read(): Promise<LiveChats> {
    await this.#deps.queues.discover();
    const queues = this.#deps.queues.list().filter(({ kind }) => kind === "chat");
    const lists = await Promise.all(
      queues.map(async (registered) => ({ registered, ids: await listActiveJobs(registered) })),
    );
    const known = new Map<string, readonly LiveChat[]>();
    let total = 0;
    for (const { registered, ids } of lists) {
      // Jobs beyond those shown are not read; each carries at least one item.
      total += Math.max(0, ids.length - MAX_SHOWN);
      for (const id of ids.slice(0, MAX_SHOWN)) {
        const key = `${registered.queue.name} ${id}`;
        const chats = this.#known.get(key) ?? (await readChats(registered, id));
        total += chats.length;
        known.set(key, chats);
      }
    }
    this.#known = known;
    const all = [...known.values()].flat();
    const shown = all.sort(compareChats).slice(0, MAX_SHOWN);
    const chats = await Promise.all(shown.map((chat) => this.#addState(chat)));
    return { at: Date.now(), chats, total, answering: this.#countCalls(all) };
  }

  /** Adds the progress of a standalone item; for items of runs it is not recorded. */
  async #addState(chat: LiveChat): Promise<LiveChat> {
    if (chat.run !== undefined) return chat;
    const { client, keys } = this.#deps;
    const [attempt, written] = await client.hmget(keys.item(chat.item).state, "attempt", "written");
    if (!attempt) return chat;
    const state = Number(written) > 0 ? "answering" : "waiting";
    return { ...chat, attempt: Number(attempt), state: chat.isStreaming ? state : undefined };
  }

  /** Calls in flight on the lanes of the chats' models; undefined if none of the lanes is known. */
  #countCalls(chats: readonly LiveChat[]): number | undefined {
    const models = new Set(chats.map(({ model }) => model));
    const lanes = this.#deps.lanes().filter(({ provider, model }) => models.has(`${provider}/${model}`));
    if (lanes.length === 0) return undefined;
    return lanes.reduce((sum, { concurrency }) => sum + concurrency.used, 0);
  }
}

/** First items that can be followed, then other standalone items, then items of runs; newest first. */
function compareChats(a: LiveChat, b: LiveChat): number {
  const rank = ({ isStreaming, run }: LiveChat) => (isStreaming ? 0 : run === undefined ? 1 : 2);
  return rank(a) - rank(b) || (b.startedAt ?? 0) - (a.startedAt ?? 0);
}

/** Newest first. */
async function listActiveJobs({ queue }: RegisteredQueue): Promise<string[]> {
  return (await queue.getRanges(["active"], 0, -1)) as string[];
}

/** The items of a job; none if it has ended in the meantime, or has no valid payload. */
async function readChats({ queue }: RegisteredQueue, id: string): Promise<LiveChat[]> {
  const job = await queue.getJob(id);
  const payload = parsePayload(job?.data);
  if (!job || payload?.kind !== "chat") return [];
  const { provider, model, run, items } = payload;
  return items.map(({ item, index, stream }) => ({
    item: item ?? `${run}/${index}`,
    model: `${provider}/${model}`,
    queue: queue.name,
    submittedAt: job.timestamp,
    startedAt: job.processedOn,
    isStreaming: stream === true && item !== undefined,
    run,
    index: run === undefined ? undefined : index,
  }));
}
