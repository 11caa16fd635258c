import type { LaneView } from "#src/dashboard/overview/lane-api.ts";
import type { QueueRegistry, RegisteredQueue } from "#src/dashboard/snapshot/queue-registry.ts";
import type { RedisCircuitBreaker } from "#src/dashboard/snapshot/redis-circuit-breaker.ts";
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
  /** As they were seen last. */
  readonly lanes: () => readonly LaneView[];
}

/**
 * The chat items whose jobs workers hold at this moment, from BullMQ's own lists. A worker holds more than it has calls
 * under way: the rest wait for a reservation.
 */
export class LiveChatList {
  readonly #deps: LiveChatDeps;
  /** What is remembered of running jobs, so that their data, which holds the requests, is read once. */
  #known = new Map<string, readonly LiveChat[]>();
  #reading: Promise<LiveChats> | undefined;

  constructor(deps: LiveChatDeps) {
    this.#deps = deps;
  }

  /** One reading for all who ask at the same moment. */
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
      queues.map(async (registered) => ({ registered, ids: await activeIds(registered) })),
    );
    const known = new Map<string, readonly LiveChat[]>();
    let total = 0;
    for (const { registered, ids } of lists) {
      // Of jobs beyond those shown it is not known how many items they carry; each has one at least.
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
    return { at: Date.now(), chats, total, ...this.#answering(all) };
  }

  /** How far an item is that was submitted on its own; of a run's, nobody writes that down. */
  async #addState(chat: LiveChat): Promise<LiveChat> {
    if (chat.run !== undefined) return chat;
    const { client, keys } = this.#deps;
    const [attempt, written] = await client.hmget(keys.item(chat.item).state, "attempt", "written");
    if (!attempt) return chat;
    const state = Number(written) > 0 ? "answering" : "waiting";
    return { ...chat, attempt: Number(attempt), ...(chat.isStreaming ? { state } : {}) };
  }

  /** Calls under way on the lanes of the models that are asked. */
  #answering(chats: readonly LiveChat[]): Pick<LiveChats, "answering"> {
    const models = new Set(chats.map(({ model }) => model));
    const lanes = this.#deps.lanes().filter(({ provider, model }) => models.has(`${provider}/${model}`));
    if (lanes.length === 0) return {};
    return { answering: lanes.reduce((sum, { concurrency }) => sum + concurrency.used, 0) };
  }
}

/** Those that can be followed, then other single ones, then those of runs; of equals the newest. */
function compareChats(a: LiveChat, b: LiveChat): number {
  const rank = ({ isStreaming, run }: LiveChat) => (isStreaming ? 0 : run === undefined ? 1 : 2);
  return rank(a) - rank(b) || (b.startedAt ?? 0) - (a.startedAt ?? 0);
}

/** The newest first. */
async function activeIds({ queue }: RegisteredQueue): Promise<string[]> {
  return (await queue.getRanges(["active"], 0, -1)) as string[];
}

/** The items of a job; none when it has ended meanwhile, or is none of ours. */
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
    ...(run === undefined ? {} : { run, index }),
  }));
}
