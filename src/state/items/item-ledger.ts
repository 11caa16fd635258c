import type { ItemKeys } from "#src/redis/keys.ts";
import { defineScript, type RedisClient } from "#src/redis/script.ts";
import { encodeRecords, type WireRecord } from "#src/state/record-format/record-codec.ts";
import type { Ledger } from "#src/state/record-format/record-ledger.ts";
import type { Claim, CommitResult } from "#src/state/runs/run-ledger.ts";
import type { PartialKind } from "./partials.ts";

// Claims and commits are on the hot path, so their replies are cast, not validated: the script files beside this one are
// their only source.
const claimScript = defineScript(new URL("lua/claim-item.lua", import.meta.url), {
  keys: ["state", "partials"],
  args: ["channel", "counter"],
  parse: (reply) => {
    const [state, claims, mask, attempt, attempts] = reply as [string, number, string, number, number[]];
    return { state, claims, open: Array.from(mask, (bit) => bit === "0"), attempt, attempts };
  },
});

const commitScript = defineScript(new URL("lua/commit-item.lua", import.meta.url), {
  keys: ["state", "partials"],
  args: ["channel", "frame", "final", "attempt", "written", "allDeltas"],
  parse: (reply) => {
    const [outcome, ...items] = reply as [string, ...string[]];
    return { outcome, items: items.map(Number) };
  },
});

const restartScript = defineScript(new URL("lua/restart-item.lua", import.meta.url), {
  keys: ["state", "partials"],
  args: ["channel"],
  parse: (reply) => Number(reply),
});

const releaseScript = defineScript(new URL("lua/release-item.lua", import.meta.url), {
  keys: ["state"],
  args: ["claims", "counter"],
  parse: Number,
});

/** What is appended to an item's partials together with its record. */
export interface StreamEpilogue {
  /** The `end` entry, as JSON. */
  readonly final: (record: WireRecord) => string;
  /** All deltas of the record again, for readers that have seen other deltas. */
  readonly allDeltas: (record: WireRecord) => readonly (readonly [PartialKind, string])[];
}

/** The worker's interface to a standalone item. All methods are idempotent. */
export class ItemLedger implements Ledger {
  readonly #client: RedisClient;
  readonly #keys: ItemKeys;
  readonly #epilogue: StreamEpilogue | undefined;
  #attempt = 0;
  /** Partials that the current attempt has written. */
  written = 0;
  #isComplete = false;

  constructor(client: RedisClient, keys: ItemKeys, epilogue?: StreamEpilogue) {
    this.#client = client;
    this.#keys = keys;
    this.#epilogue = epilogue;
  }

  /** Number of the current attempt; deltas carry it. */
  get attempt(): number {
    return this.#attempt;
  }

  async claim(job: string, indices: readonly number[]): Promise<Claim> {
    const args = { channel: this.#keys.channel, counter: claimCounterField(job) };
    const reply = await claimScript.run(this.#client, this.#keys, args, indices);
    this.#attempt = reply.attempt;
    this.written = 0;
    const { claims, open } = reply;
    const attempts = indices.map((_, i) => reply.attempts[i] ?? 0);
    if (reply.state === "running") return { state: "running", claims, open, attempts };
    const state = reply.state === "cancelled" || reply.state === "done" ? reply.state : "gone";
    return { state, claims, open, attempts };
  }

  /** Does nothing after the item's last record, whose commit has released the claim. */
  async release(job: string, { claims }: Pick<Claim, "claims">): Promise<void> {
    if (!this.#isComplete)
      await releaseScript.run(this.#client, this.#keys, { claims, counter: claimCounterField(job) });
  }

  /** Whether the claimed attempt is still the current one; false after a cancel or after another worker's claim. */
  async isCurrent(): Promise<boolean> {
    const [state, attempt] = await this.#client.hmget(this.#keys.state, "state", "attempt");
    return state === "running" && Number(attempt) === this.#attempt;
  }

  /** Starts a new attempt; readers of the partials receive a `reset`. */
  async restart(): Promise<void> {
    this.#attempt = await restartScript.run(this.#client, this.#keys, { channel: this.#keys.channel });
    this.written = 0;
  }

  async commit(records: readonly WireRecord[], dimensions: number): Promise<CommitResult> {
    let open = records;
    let isTorn = false;
    while (open.length > 0) {
      const { outcome, items } = await commitScript.run(
        this.#client,
        this.#keys,
        {
          channel: this.#keys.channel,
          frame: encodeRecords(open, dimensions),
          ...this.#epilogueArgs(open[0], isTorn),
        },
        open.map((record) => record.index),
      );
      if (outcome === "gone") return { accepted: 0, refused: 0, isGone: true };
      this.#isComplete = outcome === "complete";
      if (outcome === "ok" || this.#isComplete)
        return { accepted: open.length, refused: records.length - open.length, isGone: false };
      isTorn = outcome === "torn";
      const done = new Set(items);
      open = open.filter((record) => !done.has(record.index));
    }
    return { accepted: 0, refused: records.length, isGone: false };
  }

  /** Arguments of the commit for readers of the partials. */
  #epilogueArgs(record: WireRecord | undefined, isTorn: boolean) {
    if (!record || !this.#epilogue) return { final: "", attempt: "", written: 0, allDeltas: "" };
    const final = this.#epilogue.final(record);
    if (record.failure) return { final, attempt: "", written: 0, allDeltas: "" };
    const allDeltas = isTorn ? JSON.stringify(this.#epilogue.allDeltas(record)) : "";
    return { final, attempt: this.#attempt, written: this.written, allDeltas };
  }

  async addAttempts(indices: readonly number[]): Promise<void> {
    const pipeline = this.#client.pipeline();
    for (const index of indices) pipeline.hincrby(this.#keys.state, `a${index}`, 1);
    await pipeline.exec();
  }

  /** Calls are counted per run only. */
  async countCall(): Promise<void> {}

  async count(): Promise<void> {}
}

/** The claims of an input that is tried alone ("job/index") are counted separately from those of its job. */
function claimCounterField(job: string): string {
  const [, index] = job.split("/");
  return index === undefined ? "claims" : `claims:${index}`;
}
