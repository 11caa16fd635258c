import { randomBytes } from "node:crypto";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import { batchPerTick } from "#src/redis/batch-per-tick.ts";
import type { RunKeys } from "#src/redis/keys.ts";
import { defineScript, type RedisClient } from "#src/redis/script.ts";
import { encodeRecords, type WireRecord } from "#src/state/records/record-codec.ts";
import { recordUsage } from "#src/state/records/record-usage.ts";
import type { RunState } from "./run-transitions.ts";

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

export interface Claim {
  readonly state: RunState | "gone";
  /** Claims of this job that did not end in an orderly way, this one included. */
  readonly claims: number;
  /** Per item: does it still need a record? */
  readonly open: readonly boolean[];
  /** Per item: failed attempts so far, over all workers and restarts. */
  readonly attempts: readonly number[];
}

const claimScript = defineScript(new URL("lua/claim.lua", import.meta.url), {
  keys: ["meta", "done", "claims", "attempts"],
  args: ["ttlMs"],
  parse: (reply) => {
    const [state, jobs] = reply as [RunState | "gone", [claims: number, mask: string, attempts: number[]][]];
    return { state, jobs };
  },
});

const releaseScript = defineScript(new URL("lua/release.lua", import.meta.url), {
  keys: ["claims"],
  args: [],
  parse: Number,
});

const commitScript = defineScript(new URL("lua/commit.lua", import.meta.url), {
  keys: ["meta", "done", "results", "attempts", "stats"],
  args: ["frame", "ttlMs", "mark", "counters"],
  parse: (reply) => {
    const [outcome, ...items] = reply as [string, ...string[]];
    return { outcome, items: items.map(Number) };
  },
});

const countScript = defineScript(new URL("lua/count.lua", import.meta.url), {
  keys: ["stats"],
  args: ["ttlMs", "mark"],
  parse: Number,
});

/** What a call carried, and what it could have carried. */
export interface CallSize {
  readonly inputs: number;
  readonly capacity: number;
  /** The call is counted with another run, whose inputs it carried as well. */
  readonly isShared?: true;
}

export interface CommitResult {
  /** Items whose record was accepted now. */
  readonly accepted: number;
  /** Items that had a record before: this one was dropped. */
  readonly refused: number;
  /** The run no longer exists; nothing was written. */
  readonly isGone: boolean;
}

/** The records of one upstream call, or failures that needed none. */
interface CommitRequest {
  readonly records: readonly WireRecord[];
  readonly answered: CallSize | undefined;
}

/** This process among all that commit; see `nextMark`. */
const COMMITTER_ID = randomBytes(6).toString("base64url");
/** Steps of a process that may wait for their reply at once. */
const MAX_MARKS = 256;
let steps = 0;

/**
 * What a step that counts leaves behind, so that one whose reply was lost is known again when it comes a second time:
 * nothing was called or paid twice. Places are used again, so that a run of millions of steps leaves no more than a few.
 */
function nextIdempotencyMark(): string {
  steps += 1;
  return `step:${COMMITTER_ID}:${steps % MAX_MARKS}=${steps}`;
}

/**
 * The worker's side of a run in Redis: claim, commit, count. Everything here may be called twice. What is asked for in
 * one turn of the event loop goes to Redis together, so one ledger should serve all jobs of its run in a process.
 */
export class RunLedger {
  readonly #client: RedisClient;
  readonly #keys: RunKeys;
  readonly #claim = batchPerTick((jobs: readonly [job: string, indices: readonly number[]][]) => this.#claimAll(jobs));
  readonly #release = batchPerTick((released: readonly [job: string, claims: number][]) => this.#releaseAll(released));
  readonly #commit = batchPerTick((requests: readonly CommitRequest[]) => this.#commitAll(requests, 0), 64);
  #uncounted = 0;
  #counting: Promise<void> = Promise.resolve();

  constructor(client: RedisClient, keys: RunKeys) {
    this.#client = client;
    this.#keys = keys;
  }

  claim(job: string, indices: readonly number[]): Promise<Claim> {
    return this.#claim([job, indices]);
  }

  /** The orderly end of a claim: the job is finished or handed back, and nobody crashed over it. */
  async release(job: string, { claims }: Pick<Claim, "claims">): Promise<void> {
    await this.#release([job, claims]);
  }

  /**
   * Commits records; items that already have one are dropped and the others committed. `answered` tells that the
   * records come from one upstream call, which is then counted together with what it carried.
   */
  async commit(
    records: readonly WireRecord[],
    dimensions: number,
    { answered }: { answered?: CallSize } = {},
  ): Promise<CommitResult> {
    // Vectors are large: a command of their own each.
    if (dimensions === 0) return await this.#commit({ records, answered });
    const [committed] = await this.#commitAll([{ records, answered }], dimensions);
    return committed ?? NOTHING;
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
  countCall(): Promise<void> {
    if (this.#uncounted++ === 0) {
      this.#counting = Promise.resolve().then(async () => {
        const calls = this.#uncounted;
        this.#uncounted = 0;
        await this.count({ callsMade: calls });
      });
    }
    return this.#counting;
  }

  /** Adds to counters. */
  async count(counters: RunCounters): Promise<void> {
    const args = { ttlMs: RUN_TTL_MS, mark: nextIdempotencyMark() };
    await countScript.run(this.#client, this.#keys, args, Object.entries(omitUndefined(counters)).flat());
  }

  async readCounters(): Promise<Record<RunCounter, number>> {
    const values = await this.#client.hmget(this.#keys.stats, ...RUN_COUNTERS);
    return Object.fromEntries(RUN_COUNTERS.map((name, i) => [name, Number(values[i] ?? 0)])) as Record<
      RunCounter,
      number
    >;
  }

  async #claimAll(jobs: readonly [job: string, indices: readonly number[]][]): Promise<Claim[]> {
    const rest = jobs.flatMap(([job, indices]) => [job, indices.length, ...indices]);
    const reply = await claimScript.run(this.#client, this.#keys, { ttlMs: RUN_TTL_MS }, rest);
    return jobs.map(([, indices], i): Claim => {
      const [claims, mask, attempts] = reply.jobs[i] ?? [0, "", []];
      return {
        state: reply.state,
        claims,
        open: Array.from(mask, (bit) => bit === "0"),
        attempts: indices.map((_, n) => attempts[n] ?? 0),
      };
    });
  }

  async #releaseAll(released: readonly [job: string, claims: number][]): Promise<undefined[]> {
    await releaseScript.run(this.#client, this.#keys, {}, released.flat());
    return released.map(() => undefined);
  }

  async #commitAll(requests: readonly CommitRequest[], dimensions: number): Promise<CommitResult[]> {
    let open = dropDuplicateRecords(requests.flatMap(({ records }) => records));
    const mark = nextIdempotencyMark();
    while (open.length > 0) {
      const isOpen = new Set(open);
      const counters = countRecords(
        open,
        requests.flatMap(({ records, answered }) =>
          answered && records.some((one) => isOpen.has(one)) ? [answered] : [],
        ),
      );
      const { outcome, items } = await commitScript.run(
        this.#client,
        this.#keys,
        { frame: encodeRecords(open, dimensions), ttlMs: RUN_TTL_MS, mark, counters: counters.length / 2 },
        [...counters, ...open.map((record) => record.index)],
      );
      if (outcome === "gone") return requests.map(() => ({ accepted: 0, refused: 0, isGone: true }));
      if (outcome === "ok") break;
      const done = new Set(items);
      open = open.filter((record) => !done.has(record.index));
    }
    return await this.#buildResults(requests, new Set(open));
  }

  /** What became of each answer; one that gave no new record at all was paid twice. */
  async #buildResults(requests: readonly CommitRequest[], accepted: ReadonlySet<WireRecord>): Promise<CommitResult[]> {
    const committed = requests.map(({ records }): CommitResult => {
      const count = records.filter((record) => accepted.has(record)).length;
      return { accepted: count, refused: records.length - count, isGone: false };
    });
    for (const [i, { answered }] of requests.entries()) {
      if (!answered || committed[i]?.accepted !== 0) continue;
      const { inputs, capacity, isShared } = answered;
      await this.count({ callsRefused: isShared ? undefined : 1, inputs, capacity });
    }
    return committed;
  }
}

const NOTHING: CommitResult = { accepted: 0, refused: 0, isGone: false };

/** A batch may hold an item twice, when its job was queued again meanwhile; a frame with both would pass as new. */
function dropDuplicateRecords(records: readonly WireRecord[]): readonly WireRecord[] {
  const seen = new Set<number>();
  return records.filter(({ index }) => seen.size < seen.add(index).size);
}

function countRecords(records: readonly WireRecord[], answered: readonly CallSize[]): (string | number)[] {
  const failed = records.filter((record) => record.failure).length;
  const tokens = records.reduce((sum, record) => sum + (record.failure ? 0 : record.tokens), 0);
  const counters: (string | number)[] = [];
  if (records.length > failed) counters.push("succeeded", records.length - failed);
  if (failed > 0) counters.push("failed", failed);
  if (tokens > 0) counters.push("tokens", tokens);
  const output = records.reduce((sum, record) => sum + recordUsage(record).output, 0);
  if (output > 0) counters.push("outputTokens", output);
  if (answered.length > 0) {
    const [inputs, capacity] = [sumSizes(answered, "inputs"), sumSizes(answered, "capacity")];
    const calls = answered.filter(({ isShared }) => !isShared).length;
    if (calls > 0) counters.push("callsAnswered", calls);
    counters.push("inputs", inputs, "capacity", capacity);
  }
  return counters;
}

function sumSizes(sizes: readonly CallSize[], field: "inputs" | "capacity"): number {
  return sizes.reduce((sum, size) => sum + size[field], 0);
}
