import type { RunInfo } from "#src/dashboard/runs/run-cache.ts";
import { findRunFolder } from "#src/dashboard/runs/run-folder.ts";
import type { RedisCircuitBreaker } from "#src/dashboard/snapshot/redis-circuit-breaker.ts";
import { readLatestCalls } from "#src/producer/storage/call-timings.ts";
import type { RedisSource } from "#src/redis/connection.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { readServerTime } from "#src/redis/server-time.ts";
import { decodeEntry, readStoredRecords } from "./describe-record.ts";
import type { LatestRecord, LatestRecords } from "./item-api.ts";
import { ResultsTail, type TailEntry } from "./results-tail.ts";
import { readItem } from "./run-items.ts";

const MAX_RECORDS = 50;
/** Records that are read from a run's folder for somebody who begins to look. */
const MAX_STORED_RECORDS = 10;
/** Commits looked at in one go; each may be some 60 KB of vectors. */
const MAX_ENTRIES_PER_READ = 3;
/** Runs whose records are remembered. */
const MAX_RUNS = 20;
/** Runs followed at once; each takes a connection. The others are looked at now and then. */
const MAX_TAILS = 10;

interface RecentRecords {
  readonly after: string;
  readonly records: readonly LatestRecord[];
}

export interface LatestRecordsDeps {
  readonly redis: RedisSource;
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly breaker: RedisCircuitBreaker;
}

/**
 * The newest records of a run as workers commit them. The stream of results is emptied within milliseconds, as records
 * become durable: while somebody follows a run, a connection waits there for what comes. What was seen is kept for
 * whoever looks next, and begins with what the run's folder holds.
 */
export class LatestRecordsReader {
  readonly #deps: LatestRecordsDeps;
  readonly #recent = new Map<string, RecentRecords>();
  readonly #tails = new Map<string, { readonly tail: ResultsTail; followers: number }>();

  constructor(deps: LatestRecordsDeps) {
    this.#deps = deps;
  }

  /** Sees all of the run's records that come, as far as they come in a human's time, until the function returned is called. */
  follow(known: RunInfo): () => void {
    const { run } = known;
    const following = this.#tails.get(run) ?? this.#startTail(known);
    if (!following) return () => undefined;
    following.followers += 1;
    let isReleased = false;
    return () => {
      if (isReleased) return;
      isReleased = true;
      following.followers -= 1;
      if (following.followers > 0) return;
      this.#tails.delete(run);
      following.tail.close();
    };
  }

  async read(known: RunInfo): Promise<LatestRecords> {
    const { client, breaker } = this.#deps;
    const { run } = known;
    if (!this.#recent.has(run)) this.#storeRecent(run, { after: "-", records: await readRecordsFromFolder(known) });
    if (!this.#tails.has(run)) await this.#readNewest(known);
    const at = await breaker.run(() => readServerTime(client));
    return { run, at, records: this.#recent.get(run)?.records ?? [] };
  }

  close(): void {
    for (const { tail } of this.#tails.values()) tail.close();
    this.#tails.clear();
  }

  #startTail(known: RunInfo) {
    if (this.#tails.size >= MAX_TAILS) return undefined;
    const tail = new ResultsTail(this.#deps.redis, this.#deps.keys.run(known.run).results, (entries) =>
      this.#addEntries(known, entries),
    );
    const following = { tail, followers: 0 };
    this.#tails.set(known.run, following);
    return following;
  }

  /** What is there at this moment, and was not at the last look. */
  async #readNewest(known: RunInfo): Promise<void> {
    const { client, keys, breaker } = this.#deps;
    const { results } = keys.run(known.run);
    const after = this.#recent.get(known.run)?.after ?? "-";
    const entries = await breaker.run(() => client.xrevrangeBuffer(results, "+", after, "COUNT", MAX_ENTRIES_PER_READ));
    await this.#addEntries(known, entries.reverse());
  }

  async #addEntries(known: RunInfo, entries: readonly TailEntry[]): Promise<void> {
    const newest = entries.at(-1)?.[0].toString("latin1");
    if (newest === undefined) return;
    const found = entries.flatMap(([id, fields]) => decodeEntry(id.toString("latin1"), fields[1]));
    const named = await nameRecords(known, found.slice(-MAX_RECORDS));
    const before = this.#recent.get(known.run)?.records ?? (await readRecordsFromFolder(known));
    this.#storeRecent(known.run, { after: `(${newest}`, records: [...before, ...named].slice(-MAX_RECORDS) });
  }

  #storeRecent(run: string, recent: RecentRecords): void {
    this.#recent.delete(run);
    this.#recent.set(run, recent);
    const [oldest] = this.#recent.keys();
    if (this.#recent.size > MAX_RUNS && oldest !== undefined) this.#recent.delete(oldest);
  }
}

/** The results whose calls ended last, of a folder that is at hand; a run that is over has them as well. */
async function readRecordsFromFolder(known: RunInfo): Promise<readonly LatestRecord[]> {
  const found = await findRunFolder(known);
  if (!found.isReadable) return [];
  const calls = await readLatestCalls(found.folder.dir, MAX_STORED_RECORDS).catch(() => []);
  return await readStoredRecords(found.folder, calls).catch(() => []);
}

/** Ids stand in the run's plan only. */
async function nameRecords(known: RunInfo, records: readonly LatestRecord[]): Promise<readonly LatestRecord[]> {
  if (records.length === 0) return records;
  const found = await findRunFolder(known);
  if (!found.isReadable || found.folder.itemsFile === undefined) return records;
  // The last ones are what is looked at; an index of the plan is near each of them.
  const named = await Promise.all(
    records.slice(-10).map(async (record) => {
      const item = await readItem(found.folder, record.index).catch(() => undefined);
      return item ? { ...record, id: item.id } : record;
    }),
  );
  return [...records.slice(0, -10), ...named];
}
