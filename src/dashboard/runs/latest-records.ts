import { readLatestCalls } from "../../producer/sink/call-notes.ts";
import { readServerTime } from "../../queue/server-time.ts";
import type { RedisSource } from "../../redis/connection.ts";
import type { Keys } from "../../redis/keys.ts";
import type { RedisClient } from "../../redis/script.ts";
import type { LatestRecord, LatestRecords } from "../contract.ts";
import type { RedisGate } from "../look/redis-gate.ts";
import { decodeEntry, describeStored } from "./describe-record.ts";
import { ResultsTail, type TailEntry } from "./results-tail.ts";
import type { KnownRun } from "./run-book.ts";
import { findRunFolder } from "./run-folder.ts";
import { readItem } from "./run-items.ts";

const KEPT = 50;
/** Records that are read from a run's folder for somebody who begins to look. */
const STORED = 10;
/** Commits looked at in one go; each may be some 60 KB of vectors. */
const FRAMES = 3;
/** Runs whose records are remembered. */
const RUNS = 20;
/** Runs followed at once; each takes a connection. The others are looked at now and then. */
const MAX_TAILS = 10;

interface Seen {
  readonly after: string;
  readonly records: readonly LatestRecord[];
}

export interface LatestRecordsDeps {
  readonly redis: RedisSource;
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly gate: RedisGate;
}

/**
 * The newest records of a run as workers commit them. The stream of results is emptied within milliseconds, as records
 * become durable: while somebody follows a run, a connection waits there for what comes. What was seen is kept for
 * whoever looks next, and begins with what the run's folder holds.
 */
export class LatestRecordsReader {
  readonly #deps: LatestRecordsDeps;
  readonly #seen = new Map<string, Seen>();
  readonly #tails = new Map<string, { readonly tail: ResultsTail; followers: number }>();

  constructor(deps: LatestRecordsDeps) {
    this.#deps = deps;
  }

  /** Sees all of the run's records that come, as far as they come in a human's time, until the function returned is called. */
  follow(known: KnownRun): () => void {
    const { run } = known;
    const following = this.#tails.get(run) ?? this.#begin(known);
    if (!following) return () => undefined;
    following.followers += 1;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      following.followers -= 1;
      if (following.followers > 0) return;
      this.#tails.delete(run);
      following.tail.close();
    };
  }

  async read(known: KnownRun): Promise<LatestRecords> {
    const { client, gate } = this.#deps;
    const { run } = known;
    if (!this.#seen.has(run)) this.#keep(run, { after: "-", records: await readStored(known) });
    if (!this.#tails.has(run)) await this.#look(known);
    const at = await gate.ask(() => readServerTime(client));
    return { run, at, records: this.#seen.get(run)?.records ?? [] };
  }

  close(): void {
    for (const { tail } of this.#tails.values()) tail.close();
    this.#tails.clear();
  }

  #begin(known: KnownRun) {
    if (this.#tails.size >= MAX_TAILS) return undefined;
    const tail = new ResultsTail(this.#deps.redis, this.#deps.keys.run(known.run).results, (entries) =>
      this.#take(known, entries),
    );
    const following = { tail, followers: 0 };
    this.#tails.set(known.run, following);
    return following;
  }

  /** What is there at this moment, and was not at the last look. */
  async #look(known: KnownRun): Promise<void> {
    const { client, keys, gate } = this.#deps;
    const { results } = keys.run(known.run);
    const after = this.#seen.get(known.run)?.after ?? "-";
    const entries = await gate.ask(() => client.xrevrangeBuffer(results, "+", after, "COUNT", FRAMES));
    await this.#take(known, entries.reverse());
  }

  async #take(known: KnownRun, entries: readonly TailEntry[]): Promise<void> {
    const newest = entries.at(-1)?.[0].toString("latin1");
    if (newest === undefined) return;
    const found = entries.flatMap(([id, fields]) => decodeEntry(id.toString("latin1"), fields[1]));
    const named = await nameRecords(known, found.slice(-KEPT));
    const before = this.#seen.get(known.run)?.records ?? (await readStored(known));
    this.#keep(known.run, { after: `(${newest}`, records: [...before, ...named].slice(-KEPT) });
  }

  #keep(run: string, seen: Seen): void {
    this.#seen.delete(run);
    this.#seen.set(run, seen);
    const [oldest] = this.#seen.keys();
    if (this.#seen.size > RUNS && oldest !== undefined) this.#seen.delete(oldest);
  }
}

/** The results whose calls ended last, of a folder that is at hand; a run that is over has them as well. */
async function readStored(known: KnownRun): Promise<readonly LatestRecord[]> {
  const found = await findRunFolder(known);
  if (!found.here) return [];
  const calls = await readLatestCalls(found.folder.dir, STORED).catch(() => []);
  return await describeStored(found.folder, calls).catch(() => []);
}

/** Ids stand in the run's plan only. */
async function nameRecords(
  known: KnownRun,
  records: readonly LatestRecord[],
): Promise<readonly LatestRecord[]> {
  if (records.length === 0) return records;
  const found = await findRunFolder(known);
  if (!found.here || found.folder.spool === undefined) return records;
  // The last ones are what is looked at; an index of the plan is near each of them.
  const named = await Promise.all(
    records.slice(-10).map(async (record) => {
      const item = await readItem(found.folder, record.index).catch(() => undefined);
      return item ? { ...record, id: item.id } : record;
    }),
  );
  return [...records.slice(0, -10), ...named];
}
