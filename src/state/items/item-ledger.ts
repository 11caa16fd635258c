import type { ItemKeys } from "#src/redis/keys.ts";
import { defineScript, type RedisClient } from "#src/redis/script.ts";
import type { Ledger } from "#src/state/records/ledger.ts";
import { encodeRecords, type WireRecord } from "#src/state/records/record-codec.ts";
import type { Claim, CommitResult } from "#src/state/runs/run-ledger.ts";
import type { PartialKind } from "./partials.ts";

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

/** What readers of partials are told of a record. */
export interface StreamEpilogue {
  /** The end, as JSON. */
  readonly final: (record: WireRecord) => string;
  /** All deltas of the record once more, for readers that have seen others. */
  readonly allDeltas: (record: WireRecord) => readonly (readonly [PartialKind, string])[];
}

/** The worker's side of an item that was submitted on its own. */
export class ItemLedger implements Ledger {
  readonly #client: RedisClient;
  readonly #keys: ItemKeys;
  readonly #epilogue: StreamEpilogue | undefined;
  #attempt = 0;
  /** Entries that the attempt has written to the partials. */
  written = 0;
  #isComplete = false;

  constructor(client: RedisClient, keys: ItemKeys, epilogue?: StreamEpilogue) {
    this.#client = client;
    this.#keys = keys;
    this.#epilogue = epilogue;
  }

  /** The attempt that deltas are written under. */
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

  /** The last record ended the claim with it. */
  async release(job: string, { claims }: Pick<Claim, "claims">): Promise<void> {
    if (!this.#isComplete)
      await releaseScript.run(this.#client, this.#keys, { claims, counter: claimCounterField(job) });
  }

  /** Is the attempt that was claimed still the one that is waited for? Not after a cancel or a takeover. */
  async isCurrent(): Promise<boolean> {
    const [state, attempt] = await this.#client.hmget(this.#keys.state, "state", "attempt");
    return state === "running" && Number(attempt) === this.#attempt;
  }

  /** Readers of partials are told to start over. */
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

  /** What readers of the partials are to hear with a record. */
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

  /** Calls are counted per run; an item on its own has only its attempts. */
  async countCall(): Promise<void> {}

  async count(): Promise<void> {}
}

/** The claims of an input that is tried alone ("job/index") are counted apart, as its job's say nothing of it. */
function claimCounterField(job: string): string {
  const [, index] = job.split("/");
  return index === undefined ? "claims" : `claims:${index}`;
}
