import type { RunKeys } from "../redis/keys.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";
import { encodeRecords, type WireRecord } from "./record-codec.ts";
import { recordUsage } from "./record-usage.ts";

/** Life of a run's keys after its coordinator's last sign of life. The files carry the run beyond that. */
export const RUN_TTL_MS = 7 * 24 * 3600_000;

/** Counters of a run, all monotonic; see `runReport` for what they add up to. */
export const RUN_COUNTERS = [
  /** upstream calls started */
  "callsMade",
  /** calls whose answer gave at least one new record */
  "callsAnswered",
  /** calls that ended in an error */
  "callsFailed",
  /** calls answered after all their items had records already: certainly paid twice */
  "callsRefused",
  /** inputs carried by calls, and how many those calls could have carried */
  "inputs",
  "capacity",
  "throttles",
  "snoozes",
  "succeeded",
  "failed",
  /** tokens as reported by the provider (estimated where it reported none) */
  "tokens",
  /** those of them that were answers */
  "outputTokens",
  /** records refused because the item had one */
  "refused",
] as const;
export type RunCounter = (typeof RUN_COUNTERS)[number];
export type RunCounters = Partial<Record<RunCounter, number>>;

export type RunState = "running" | "paused" | "cancelled" | "done";

export interface Claim {
  readonly state: RunState | "gone";
  /** Claims of this job that did not end in an orderly way, this one included. */
  readonly claims: number;
  /** Per item: does it still need a record? */
  readonly open: readonly boolean[];
}

const claimScript = defineScript(new URL("lua/claim.lua", import.meta.url), {
  keys: ["meta", "done", "claims"],
  args: ["job", "ttlMs"],
  parse: (reply): Claim => {
    const [state, claims, mask] = reply as [RunState | "gone", number, string];
    return { state, claims, open: Array.from(mask, (bit) => bit === "0") };
  },
});

const commitScript = defineScript(new URL("lua/commit.lua", import.meta.url), {
  keys: ["meta", "done", "results", "attempts", "stats"],
  args: ["frame", "ttlMs", "counters"],
  parse: (reply) => {
    const [outcome, ...items] = reply as [string, ...string[]];
    return { outcome, items: items.map(Number) };
  },
});

/** What a call carried, and what it could have carried. */
export interface CallSize {
  readonly inputs: number;
  readonly capacity: number;
}

export interface Committed {
  /** Items whose record was accepted now. */
  readonly accepted: number;
  /** Items that had a record before: this one was dropped. */
  readonly refused: number;
  /** The run no longer exists; nothing was written. */
  readonly gone: boolean;
}

/** The worker's side of a run in Redis: claim, commit, count. Everything here may be called twice. */
export class RunLedger {
  readonly #client: RedisClient;
  readonly #keys: RunKeys;

  constructor(client: RedisClient, keys: RunKeys) {
    this.#client = client;
    this.#keys = keys;
  }

  claim(job: string, indices: readonly number[]): Promise<Claim> {
    return claimScript.run(this.#client, this.#keys, { job, ttlMs: RUN_TTL_MS }, indices);
  }

  /** The orderly end of a claim: the job is finished or handed back, and nobody crashed over it. */
  async release(job: string): Promise<void> {
    await this.#client.hdel(this.#keys.claims, job);
  }

  /**
   * Commits records; items that already have one are dropped and the others committed. `answered` tells that the
   * records come from one upstream call, which is then counted together with what it carried.
   */
  async commit(
    records: readonly WireRecord[],
    dimensions: number,
    { answered }: { answered?: CallSize } = {},
  ): Promise<Committed> {
    let open = firstOfEach(records);
    while (open.length > 0) {
      const counters = countRecords(open, answered);
      const { outcome, items } = await commitScript.run(
        this.#client,
        this.#keys,
        { frame: encodeRecords(open, dimensions), ttlMs: RUN_TTL_MS, counters: counters.length / 2 },
        [...counters, ...open.map((record) => record.index)],
      );
      if (outcome === "gone") return { accepted: 0, refused: 0, gone: true };
      if (outcome === "ok")
        return { accepted: open.length, refused: records.length - open.length, gone: false };
      const done = new Set(items);
      open = open.filter((record) => !done.has(record.index));
    }
    if (answered) await this.count({ callsRefused: 1, ...answered });
    return { accepted: 0, refused: records.length, gone: false };
  }

  /** Failed attempts of items so far, over all workers and restarts. */
  async attempts(indices: readonly number[]): Promise<number[]> {
    const values = await this.#client.hmget(this.#keys.attempts, ...indices.map(String));
    return values.map((value) => Number(value ?? 0));
  }

  /** Notes one more failed attempt for each item. */
  async addAttempts(indices: readonly number[]): Promise<void> {
    const pipeline = this.#client.pipeline();
    for (const index of indices) pipeline.hincrby(this.#keys.attempts, String(index), 1);
    pipeline.pexpire(this.#keys.attempts, RUN_TTL_MS);
    await pipeline.exec();
  }

  /**
   * Counts a call that is about to be made. Not awaited by callers: the command only has to be on its way before the
   * request is, so that a call whose process dies is still counted.
   */
  async countCall(): Promise<void> {
    await this.#client.hincrby(this.#keys.stats, "callsMade", 1);
  }

  /** Adds to counters. */
  async count(counters: RunCounters): Promise<void> {
    const pipeline = this.#client.pipeline();
    for (const [name, by] of Object.entries(counters)) pipeline.hincrby(this.#keys.stats, name, by);
    pipeline.pexpire(this.#keys.stats, RUN_TTL_MS);
    await pipeline.exec();
  }

  async readCounters(): Promise<Record<RunCounter, number>> {
    const values = await this.#client.hmget(this.#keys.stats, ...RUN_COUNTERS);
    return Object.fromEntries(RUN_COUNTERS.map((name, i) => [name, Number(values[i] ?? 0)])) as Record<
      RunCounter,
      number
    >;
  }
}

/** A batch may hold an item twice, when its job was queued again meanwhile; a frame with both would pass as new. */
function firstOfEach(records: readonly WireRecord[]): readonly WireRecord[] {
  const seen = new Set<number>();
  return records.filter(({ index }) => seen.size < seen.add(index).size);
}

function countRecords(records: readonly WireRecord[], answered: CallSize | undefined): (string | number)[] {
  const failed = records.filter((record) => record.failure).length;
  const tokens = records.reduce((sum, record) => sum + (record.failure ? 0 : record.tokens), 0);
  const counters: (string | number)[] = [];
  if (records.length > failed) counters.push("succeeded", records.length - failed);
  if (failed > 0) counters.push("failed", failed);
  if (tokens > 0) counters.push("tokens", tokens);
  const output = records.reduce((sum, record) => sum + recordUsage(record).output, 0);
  if (output > 0) counters.push("outputTokens", output);
  if (answered) {
    counters.push("callsAnswered", 1, "inputs", answered.inputs, "capacity", answered.capacity);
  }
  return counters;
}
