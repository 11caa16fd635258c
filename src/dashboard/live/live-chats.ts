import type { LiveChat, LiveChats } from "../contract.ts";
import type { BookedQueue, QueueBook } from "../look/queue-book.ts";
import type { RedisGate } from "../look/redis-gate.ts";

const SHOWN = 100;

/** What is remembered of a running job, so that its data, which holds the request, is read once. */
type KnownChat = LiveChat & { readonly id: string };

/** The chat jobs that run at this moment, from BullMQ's own lists. */
export class LiveChatList {
  readonly #queues: QueueBook;
  readonly #gate: RedisGate;
  #known = new Map<string, KnownChat>();
  #reading: Promise<LiveChats> | undefined;

  constructor({ queues, gate }: { readonly queues: QueueBook; readonly gate: RedisGate }) {
    this.#queues = queues;
    this.#gate = gate;
  }

  /** One reading for all who ask at the same moment. */
  read(): Promise<LiveChats> {
    this.#reading ??= this.#gate
      .ask(() => this.#read())
      .finally(() => {
        this.#reading = undefined;
      });
    return this.#reading;
  }

  async #read(): Promise<LiveChats> {
    await this.#queues.discover();
    const queues = this.#queues.list().filter(({ kind }) => kind === "chat");
    const lists = await Promise.all(queues.map(async (booked) => ({ booked, ids: await activeIds(booked) })));
    const known = new Map<string, KnownChat>();
    let total = 0;
    for (const { booked, ids } of lists) {
      total += ids.length;
      for (const id of ids.slice(0, SHOWN)) {
        const key = `${booked.queue.name} ${id}`;
        const chat = this.#known.get(key) ?? (await readChat(booked, id));
        if (chat) known.set(key, chat);
      }
    }
    this.#known = known;
    const chats = [...known.values()]
      .map(({ id: _, ...chat }) => chat)
      .sort((a, b) => (a.startedAt ?? 0) - (b.startedAt ?? 0))
      .slice(0, SHOWN);
    return { at: Date.now(), chats, total };
  }
}

async function activeIds({ queue }: BookedQueue): Promise<string[]> {
  return (await queue.getRanges(["active"], 0, -1)) as string[];
}

/** Undefined when the job has ended meanwhile, or is none of ours. */
async function readChat({ queue }: BookedQueue, id: string): Promise<KnownChat | undefined> {
  const job = await queue.getJob(id);
  const data: unknown = job?.data;
  if (!job || typeof data !== "object" || data === null) return undefined;
  const { provider, model, stream, target } = data as Readonly<Record<string, unknown>>;
  const { item, run, index } = (target ?? {}) as Readonly<Record<string, unknown>>;
  const streams = stream === true && typeof item === "string";
  return {
    id,
    item: typeof item === "string" ? item : id,
    model: `${provider}/${model}`,
    queue: queue.name,
    submittedAt: job.timestamp,
    ...(job.processedOn === undefined ? {} : { startedAt: job.processedOn }),
    streams,
    ...(typeof run === "string" ? { run } : {}),
    ...(typeof index === "number" ? { index } : {}),
  };
}
