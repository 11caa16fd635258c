import type { DatabaseSync } from "node:sqlite";
import * as z from "zod";
import { FailedAttemptWriter } from "#src/producer/storage/failed-attempt-writer.ts";
import { readProperty } from "#src/producer/storage/properties.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { readJournalAfter } from "#src/state/runs/run-journal.ts";

const INTERVAL_MS = 2_000;
/** Entries per read; each is a call of up to some hundred items. */
const ENTRIES_PER_READ = 500;

/**
 * Copies failed attempts from Redis, which keeps the newest 10,000, to the run's database. Attempts are informative: one
 * that cannot be read is missing, and nothing waits for it.
 */
export class AttemptArchive {
  readonly #client: RedisClient;
  readonly #keys: Keys;
  readonly #run: string;
  readonly #writer: FailedAttemptWriter;
  #after: string;
  #copiedAt = Number.NEGATIVE_INFINITY;

  constructor(client: RedisClient, keys: Keys, run: string, database: DatabaseSync) {
    this.#client = client;
    this.#keys = keys;
    this.#run = run;
    this.#writer = new FailedAttemptWriter(database);
    this.#after = readProperty(database, "journal", z.string()) ?? "-";
  }

  async copyRegularly(now: number): Promise<void> {
    if (now - this.#copiedAt < INTERVAL_MS) return;
    this.#copiedAt = now;
    await this.copy().catch(() => undefined);
  }

  async copy(): Promise<void> {
    for (;;) {
      const read = await readJournalAfter(this.#client, this.#keys, this.#run, this.#after, ENTRIES_PER_READ);
      if (read.last === undefined) return;
      this.#after = read.last;
      this.#writer.write(read.entries, read.last);
    }
  }
}
