import type { ItemKeys } from "../redis/keys.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";
import type { Ledger } from "./ledger.ts";
import { encodeRecords, type WireRecord } from "./record-codec.ts";
import type { Claim, Committed } from "./run-ledger.ts";

const claimScript = defineScript(new URL("lua/claim-item.lua", import.meta.url), {
  keys: ["state", "partials"],
  args: ["channel"],
  parse: (reply) => {
    const [state, claims, mask, attempt, attempts] = reply as [string, number, string, number, number[]];
    return { state, claims, open: Array.from(mask, (bit) => bit === "0"), attempt, attempts };
  },
});

const commitScript = defineScript(new URL("lua/commit-item.lua", import.meta.url), {
  keys: ["state", "partials"],
  args: ["channel", "frame", "final"],
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
  args: ["claims"],
  parse: Number,
});

/** The worker's side of an item that was submitted on its own. */
export class ItemLedger implements Ledger {
  readonly #client: RedisClient;
  readonly #keys: ItemKeys;
  /** What readers of partials get as the end, for the record that is committed. */
  readonly #final: ((record: WireRecord) => string) | undefined;
  #attempt = 0;
  #isComplete = false;

  constructor(client: RedisClient, keys: ItemKeys, final?: (record: WireRecord) => string) {
    this.#client = client;
    this.#keys = keys;
    this.#final = final;
  }

  /** The attempt that deltas are written under. */
  get attempt(): number {
    return this.#attempt;
  }

  async claim(_job: string, indices: readonly number[]): Promise<Claim> {
    const reply = await claimScript.run(this.#client, this.#keys, { channel: this.#keys.channel }, indices);
    this.#attempt = reply.attempt;
    const { claims, open } = reply;
    const attempts = indices.map((_, i) => reply.attempts[i] ?? 0);
    if (reply.state === "running") return { state: "running", claims, open, attempts };
    return { state: reply.state === "cancelled" ? "cancelled" : "gone", claims, open, attempts };
  }

  /** The last record ended the claim with it. */
  async release(_job: string, { claims }: Pick<Claim, "claims">): Promise<void> {
    if (!this.#isComplete) await releaseScript.run(this.#client, this.#keys, { claims });
  }

  /** Is the attempt that was claimed still the one that is waited for? Not after a cancel or a takeover. */
  async isCurrent(): Promise<boolean> {
    const [state, attempt] = await this.#client.hmget(this.#keys.state, "state", "attempt");
    return state === "running" && Number(attempt) === this.#attempt;
  }

  /** Readers of partials are told to start over. */
  async restart(): Promise<void> {
    this.#attempt = await restartScript.run(this.#client, this.#keys, { channel: this.#keys.channel });
  }

  async commit(records: readonly WireRecord[], dimensions: number): Promise<Committed> {
    let open = records;
    while (open.length > 0) {
      const [first] = open;
      const { outcome, items } = await commitScript.run(
        this.#client,
        this.#keys,
        {
          channel: this.#keys.channel,
          frame: encodeRecords(open, dimensions),
          final: first && this.#final ? this.#final(first) : "",
        },
        open.map((record) => record.index),
      );
      if (outcome === "gone") return { accepted: 0, refused: 0, gone: true };
      this.#isComplete = outcome === "complete";
      if (outcome === "ok" || this.#isComplete)
        return { accepted: open.length, refused: records.length - open.length, gone: false };
      const done = new Set(items);
      open = open.filter((record) => !done.has(record.index));
    }
    return { accepted: 0, refused: records.length, gone: false };
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
