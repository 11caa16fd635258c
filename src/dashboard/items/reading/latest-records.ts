import { LruCache } from "#src/core/lru-cache.ts";
import { decodeEntry, readStoredRecords } from "#src/dashboard/items/describe-record.ts";
import type { LatestRecord, LatestRecords } from "#src/dashboard/items/item-api.ts";
import type { RunInfo } from "#src/dashboard/runs/run-cache.ts";
import { locateRunFolder } from "#src/dashboard/runs/run-folder.ts";
import type { RedisCircuitBreaker } from "#src/dashboard/sampling/redis-circuit-breaker.ts";
import type { RedisSource } from "#src/redis/connection.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { readServerTime } from "#src/redis/server-time.ts";
import { ResultsTail, type TailEntry } from "./results-tail.ts";
import type { RunItemReader } from "./run-item-reader.ts";

const MAX_RECORDS = 50;
/** Records that are read from the run's folder for the first reader. */
const MAX_STORED_RECORDS = 10;
/** Commits per read; each may contain some 60 KB of vectors. */
const MAX_ENTRIES_PER_READ = 3;
/** Runs whose records are cached. */
const MAX_RUNS = 20;
/** Runs that are followed at once; each takes a connection. Other runs are polled. */
const MAX_TAILS = 10;

/** Records per batch that get their item id; each lookup reads the items file near an index entry. */
const MAX_NAMED_RECORDS = 10;

interface RecentRecords {
  /** Where the next read of the results stream starts: "-", or "(" and the id of the last entry. */
  readonly after: string;
  readonly records: readonly LatestRecord[];
}

export interface LatestRecordsDeps {
  readonly redis: RedisSource;
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly breaker: RedisCircuitBreaker;
  readonly itemReader: RunItemReader;
}

/**
 * The newest records of a run as workers commit them. The coordinator empties the results stream within milliseconds,
 * as records become durable, so while a page follows a run, a blocking connection waits for new entries. The records
 * are cached for other pages; the first ones come from the run's folder.
 */
export class LatestRecordsReader {
  readonly #deps: LatestRecordsDeps;
  readonly #recent = new LruCache<string, RecentRecords>(MAX_RUNS);
  readonly #tails = new Map<string, { readonly tail: ResultsTail; followers: number }>();

  constructor(deps: LatestRecordsDeps) {
    this.#deps = deps;
  }

  /** Collects the run's new records, no faster than people can read, until the returned function is called. */
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
    if (!this.#recent.get(run)) this.#recent.set(run, { after: "-", records: await this.#readFromFolder(known) });
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

  /** Reads the entries that were added since the last read. */
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
    const named = await this.#addIds(known, found.slice(-MAX_RECORDS));
    const before = this.#recent.get(known.run)?.records ?? (await this.#readFromFolder(known));
    this.#recent.set(known.run, { after: `(${newest}`, records: [...before, ...named].slice(-MAX_RECORDS) });
  }

  /** The results whose calls ended last, if the folder is readable; also of a run that has ended. */
  async #readFromFolder(known: RunInfo): Promise<readonly LatestRecord[]> {
    const found = await locateRunFolder(known);
    if (!found.isReadable || !found.folder.hasDatabase) return [];
    return await readStoredRecords(found.folder.dir, MAX_STORED_RECORDS).catch(() => []);
  }

  /** Adds the item ids, which only the items file has, to the last records. */
  async #addIds(known: RunInfo, records: readonly LatestRecord[]): Promise<readonly LatestRecord[]> {
    if (records.length === 0) return records;
    const found = await locateRunFolder(known);
    if (!found.isReadable || !found.folder.hasDatabase) return records;
    const named = await Promise.all(
      records.slice(-MAX_NAMED_RECORDS).map(async (record) => {
        const item = await this.#deps.itemReader.readItem(found.folder, record.index).catch(() => undefined);
        return item ? { ...record, id: item.id } : record;
      }),
    );
    return [...records.slice(0, -MAX_NAMED_RECORDS), ...named];
  }
}
