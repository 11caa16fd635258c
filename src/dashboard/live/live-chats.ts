import { parsePayload } from "../../queue/payload.ts";
import type { LiveChat, LiveChats } from "../contract.ts";
import type { BookedQueue, QueueBook } from "../look/queue-book.ts";
import type { RedisGate } from "../look/redis-gate.ts";

const SHOWN = 100;

/** The chat items whose jobs run at this moment, from BullMQ's own lists. */
export class LiveChatList {
  readonly #queues: QueueBook;
  readonly #gate: RedisGate;
  /** What is remembered of running jobs, so that their data, which holds the requests, is read once. */
  #known = new Map<string, readonly LiveChat[]>();
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
    const known = new Map<string, readonly LiveChat[]>();
    let total = 0;
    for (const { booked, ids } of lists) {
      // Of jobs beyond those shown it is not known how many items they carry; each has one at least.
      total += Math.max(0, ids.length - SHOWN);
      for (const id of ids.slice(0, SHOWN)) {
        const key = `${booked.queue.name} ${id}`;
        const chats = this.#known.get(key) ?? (await readChats(booked, id));
        total += chats.length;
        known.set(key, chats);
      }
    }
    this.#known = known;
    const chats = [...known.values()]
      .flat()
      .sort((a, b) => (a.startedAt ?? 0) - (b.startedAt ?? 0))
      .slice(0, SHOWN);
    return { at: Date.now(), chats, total };
  }
}

async function activeIds({ queue }: BookedQueue): Promise<string[]> {
  return (await queue.getRanges(["active"], 0, -1)) as string[];
}

/** The items of a job; none when it has ended meanwhile, or is none of ours. */
async function readChats({ queue }: BookedQueue, id: string): Promise<LiveChat[]> {
  const job = await queue.getJob(id);
  const payload = parsePayload(job?.data);
  if (!job || payload?.kind !== "chat") return [];
  const { provider, model, run, items } = payload;
  return items.map(({ item, index, stream }) => ({
    item: item ?? `${run}/${index}`,
    model: `${provider}/${model}`,
    queue: queue.name,
    submittedAt: job.timestamp,
    ...(job.processedOn === undefined ? {} : { startedAt: job.processedOn }),
    streams: stream === true && item !== undefined,
    ...(run === undefined ? {} : { run, index }),
  }));
}
