import { randomBytes } from "node:crypto";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import { batchPerTick } from "#src/redis/batch-per-tick.ts";
import type { RunKeys } from "#src/redis/keys.ts";
import { defineScript, type RedisClient } from "#src/redis/script.ts";
import { parseStoredNumber } from "#src/redis/stored-json.ts";
import { encodeRecords, type WireRecord } from "#src/state/record-format/record-codec.ts";
import { recordUsage } from "#src/state/record-format/record-usage.ts";
import type { RunState } from "./run-transitions.ts";

/** TTL of a run's keys, renewed by its coordinator. Later, the run resumes from its files. */
export const RUN_TTL_MS = 7 * 24 * 3600_000;

/** Counters of a run; they only grow. */
export const RUN_COUNTERS = [
  /** Upstream calls started. */
  "callsMade",
  /** Calls whose answer gave at least one new record. */
  "callsAnswered",
  /** Calls that ended in an error. */
  "callsFailed",
  /** Calls paid twice: answered when all their items had records already, or cut (and possibly paid) because the worker stopped or they hung. */
  "callsRefused",
  /** Those of them that hung. */
  "callsHung",
  /** Inputs in answered calls, and the number these calls could have carried. */
  "inputs",
  "capacity",
  "throttles",
  "snoozes",
  "succeeded",
  "failed",
  /** Tokens as reported by the provider, or estimated if it reported none. */
  "tokens",
  /** The part of `tokens` that was output. */
  "outputTokens",
  /** Canaries sent, and those whose vector did not match. */
  "canaries",
  "canaryMismatches",
  /** Tokens of calls whose answer was discarded because of its canary; they are not in `tokens`. */
  "discardedTokens",
  /** Records refused because their item already had one. */
  "refused",
] as const;
export type RunCounter = (typeof RUN_COUNTERS)[number];
export type RunCounters = Partial<Record<RunCounter, number>>;

export interface Claim {
  readonly state: RunState | "gone";
  /** Claims of this job that were not released, including this one. */
  readonly claims: number;
  /** Per item: whether it still needs a record. */
  readonly open: readonly boolean[];
  /** Per item: failed attempts so far, over all workers and restarts. */
  readonly attempts: readonly number[];
}

// Claims and commits are the hot path of every worker: their replies are cast, not validated, because the script files
// beside this one are their only source.
const claimScript = defineScript(new URL("lua/claim.lua", import.meta.url), {
  keys: ["meta", "done", "claims", "attempts", "jobs"],
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

/** Inputs that a call carried, and the number it could have carried. */
export interface CallSize {
  readonly inputs: number;
  readonly capacity: number;
  /** The call is counted in another run, whose inputs it also carried. */
  readonly isShared?: true;
}

export interface CommitResult {
  /** Records accepted. */
  readonly accepted: number;
  /** Records dropped because their item already had one. */
  readonly refused: number;
  /** The run does not exist any more; nothing was written. */
  readonly isGone: boolean;
}

/** The records of one upstream call, or failures without a call. */
interface CommitRequest {
  readonly records: readonly WireRecord[];
  readonly answered: CallSize | undefined;
}

/** Commands of a ledger that may wait for their reply at the same time. */
const MAX_MARKS = 256;

/**
 * The worker's interface to a run in Redis: claim, commit and count. All methods are idempotent. Calls made in one turn
 * of the event loop go to Redis together, so a process should use one ledger for all jobs of a run.
 */
export class RunLedger {
  readonly #client: RedisClient;
  readonly #keys: RunKeys;
  readonly #claim = batchPerTick((jobs: readonly [job: string, indices: readonly number[]][]) => this.#claimAll(jobs));
  readonly #release = batchPerTick((released: readonly [job: string, claims: number][]) => this.#releaseAll(released));
  readonly #commit = batchPerTick((requests: readonly CommitRequest[]) => this.#commitAll(requests, 0), 64);
  readonly #id = randomBytes(6).toString("base64url");
  #marks = 0;
  #uncounted = 0;
  #counting: Promise<void> = Promise.resolve();

  constructor(client: RedisClient, keys: RunKeys) {
    this.#client = client;
    this.#keys = keys;
  }

  claim(job: string, indices: readonly number[]): Promise<Claim> {
    return this.#claim([job, indices]);
  }

  /** Ends a claim after the job was finished or returned to the queue, so that it does not count as a crash. */
  async release(job: string, { claims }: Pick<Claim, "claims">): Promise<void> {
    await this.#release([job, claims]);
  }

  /**
   * Commits records; records of items that already have one are dropped. `answered` is set if the records come from one
   * upstream call, which is then counted with its size.
   */
  async commit(
    records: readonly WireRecord[],
    dimensions: number,
    { answered }: { answered?: CallSize } = {},
  ): Promise<CommitResult> {
    // Vectors are large, so each commit is a command of its own.
    if (dimensions === 0) return await this.#commit({ records, answered });
    const [committed] = await this.#commitAll([{ records, answered }], dimensions);
    return committed ?? { accepted: 0, refused: 0, isGone: false };
  }

  /** Adds a failed attempt to each item. */
  async addAttempts(indices: readonly number[]): Promise<void> {
    const pipeline = this.#client.pipeline();
    for (const index of indices) pipeline.hincrby(this.#keys.attempts, String(index), 1);
    pipeline.pexpire(this.#keys.attempts, RUN_TTL_MS);
    await pipeline.exec();
  }

  /**
   * Counts a call that is about to be made. Callers don't await it: the command only has to be sent before the request,
   * so that the call is counted even if the process dies.
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

  async count(counters: RunCounters): Promise<void> {
    const args = { ttlMs: RUN_TTL_MS, mark: this.#nextIdempotencyMark() };
    await countScript.run(this.#client, this.#keys, args, Object.entries(omitUndefined(counters)).flat());
  }

  /** Undefined if Redis has lost them: until the run is opened again, it only has what was counted since. */
  async readCounters(): Promise<Record<RunCounter, number> | undefined> {
    const [opened, ...values] = await this.#client.hmget(this.#keys.stats, "opened", ...RUN_COUNTERS);
    if (opened === null || opened === undefined) return undefined;
    const counters = RUN_COUNTERS.map((name, i) => [name, parseStoredNumber(values[i]) ?? 0]);
    return Object.fromEntries(counters) as Record<RunCounter, number>;
  }

  /**
   * Identifies one counting command: if the same command arrives again because its reply was lost, it is not counted
   * twice. Marks are stored in 256 fields in turn, so that a run of millions of commands leaves few fields.
   */
  #nextIdempotencyMark(): string {
    this.#marks += 1;
    return `step:${this.#id}:${this.#marks % MAX_MARKS}=${this.#marks}`;
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
    const mark = this.#nextIdempotencyMark();
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

  /** The result of each request. A call without any accepted record was paid twice, and is counted as such. */
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

/** An item whose job was requeued may occur twice in a batch; the script would accept a frame that contains both. */
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
