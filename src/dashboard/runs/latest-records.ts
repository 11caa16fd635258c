import { decodeRecords, type WireRecord } from "../../queue/record-codec.ts";
import { readServerTime } from "../../queue/server-time.ts";
import type { Keys } from "../../redis/keys.ts";
import type { RedisClient } from "../../redis/script.ts";
import type { LatestRecord, LatestRecords } from "../contract.ts";
import type { RedisGate } from "../look/redis-gate.ts";
import type { KnownRun } from "./run-book.ts";
import { findRunFolder } from "./run-folder.ts";
import { readItem } from "./run-items.ts";

const KEPT = 50;
/** Commits looked at in one go; each may be some 60 KB of vectors. */
const FRAMES = 3;
const SHOWN_FLOATS = 8;
/** Runs whose records are remembered. */
const RUNS = 20;

/**
 * The newest records of a run as workers commit them. The stream is emptied as records become durable, so what was seen
 * is kept here for whoever looks next.
 */
export class LatestRecordsReader {
  readonly #client: RedisClient;
  readonly #keys: Keys;
  readonly #gate: RedisGate;
  readonly #seen = new Map<string, { after: string; records: readonly LatestRecord[] }>();

  constructor({
    client,
    keys,
    gate,
  }: {
    readonly client: RedisClient;
    readonly keys: Keys;
    readonly gate: RedisGate;
  }) {
    this.#client = client;
    this.#keys = keys;
    this.#gate = gate;
  }

  async read(known: KnownRun): Promise<LatestRecords> {
    const { run } = known;
    const before = this.#seen.get(run) ?? { after: "-", records: [] };
    const [at, entries] = await this.#gate.ask(() =>
      Promise.all([
        readServerTime(this.#client),
        this.#client.xrevrangeBuffer(this.#keys.run(run).results, "+", before.after, "COUNT", FRAMES),
      ]),
    );
    const found = entries.reverse().flatMap(([id, fields]) => decodeFrame(id.toString("latin1"), fields[1]));
    const named = await nameRecords(known, found.slice(-KEPT));
    const records = [...before.records, ...named].slice(-KEPT);
    const newest = entries.at(-1)?.[0].toString("latin1");
    this.#seen.delete(run);
    this.#seen.set(run, { after: newest === undefined ? before.after : `(${newest}`, records });
    const [oldest] = this.#seen.keys();
    if (this.#seen.size > RUNS && oldest !== undefined) this.#seen.delete(oldest);
    return { run, at, records };
  }
}

/** A frame of another version shows nothing: the page is for the eye, the coordinator says what is wrong. */
function decodeFrame(id: string, frame: Buffer | undefined): LatestRecord[] {
  if (!frame) return [];
  try {
    const { records, dimensions } = decodeRecords(frame);
    const at = Number(id.split("-")[0]);
    return records.map((record) => describe(record, at, dimensions));
  } catch {
    return [];
  }
}

function describe(record: WireRecord, at: number, dimensions: number): LatestRecord {
  const { index, attempts, tokens, vector, failure } = record;
  const shown = vector && Math.min(SHOWN_FLOATS, Math.floor(vector.length / 4));
  return {
    index,
    at,
    attempts,
    tokens,
    ...(vector && shown
      ? { vector: Array.from({ length: shown }, (_, i) => vector.readFloatLE(i * 4)), dimensions }
      : {}),
    ...(failure ? { failure } : {}),
  };
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
