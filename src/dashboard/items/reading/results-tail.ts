import { setTimeout as sleep } from "node:timers/promises";
import type { RedisSource } from "#src/redis/connection.ts";
import type { RedisClient } from "#src/redis/script.ts";

export type TailEntry = readonly [id: Buffer, fields: Buffer[]];

const BLOCK_MS = 2_000;
/** Entries per reply; each has the records of one call, which may be some 60 KB of vectors. */
const ENTRIES_PER_READ = 2;
/** More than anybody can read. Of a faster run only a part is shown, so that following it costs Redis little. */
const READS_PER_SECOND = 10;
const RETRY_DELAY_MS = 500;

/**
 * Waits at the end of a run's results stream for new entries, which are trimmed some milliseconds later. Has its own
 * connection, because it blocks.
 */
export class ResultsTail {
  readonly #key: string;
  readonly #client: RedisClient;
  readonly #onEntries: (entries: readonly TailEntry[]) => Promise<void>;
  readonly #closed = new AbortController();

  constructor(redis: RedisSource, key: string, onEntries: (entries: readonly TailEntry[]) => Promise<void>) {
    this.#client = redis.connect("blocking");
    this.#key = key;
    this.#onEntries = onEntries;
    void this.#run();
  }

  close(): void {
    this.#closed.abort();
    this.#client.disconnect();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closed;
    let after: string | undefined;
    let reads = READS_PER_SECOND;
    let refilledAt = performance.now();
    while (!signal.aborted) {
      try {
        const entries = after === undefined ? await this.#newest() : await this.#next(after);
        after = entries.at(-1)?.[0].toString("latin1") ?? after ?? "0-0";
        if (entries.length > 0) await this.#onEntries(entries);
        const now = performance.now();
        reads = Math.min(READS_PER_SECOND, reads + ((now - refilledAt) / 1_000) * READS_PER_SECOND);
        refilledAt = now;
        if (entries.length > 0) reads -= 1;
        if (reads >= 1) continue;
        await sleep(1_000 / READS_PER_SECOND, undefined, { signal });
        // Skips what was added in the meantime, which is more than will be shown, and continues with the newest.
        after = undefined;
      } catch {
        // Redis is unavailable, or the tail was closed.
        await sleep(RETRY_DELAY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  async #newest(): Promise<TailEntry[]> {
    const entries = await this.#client.xrevrangeBuffer(this.#key, "+", "-", "COUNT", ENTRIES_PER_READ);
    return entries.reverse();
  }

  async #next(after: string): Promise<TailEntry[]> {
    const args = ["COUNT", ENTRIES_PER_READ, "BLOCK", BLOCK_MS, "STREAMS", this.#key, after] as const;
    // Binary frames on a hot path: the reply has the shape that XREAD always has, and `decodeRecords` checks the frames.
    const reply = (await this.#client.xreadBuffer(...args)) as [Buffer, TailEntry[]][] | null;
    return reply?.[0]?.[1] ?? [];
  }
}
