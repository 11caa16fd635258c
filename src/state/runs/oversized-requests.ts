import type { RunKeys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { RUN_TTL_MS } from "./run-ledger.ts";

/** Requests of a run that are too large for their jobs: they stand here until their records are collected. */
export class OversizedRequests {
  readonly #client: RedisClient;
  readonly #key: string;

  constructor(client: RedisClient, keys: RunKeys) {
    this.#client = client;
    this.#key = keys.requests;
  }

  async put(index: number, json: string): Promise<void> {
    await this.#client.hset(this.#key, String(index), json);
    await this.#client.pexpire(this.#key, RUN_TTL_MS);
  }

  /** The request as it was put; undefined when it is gone. */
  async get(index: number): Promise<string | undefined> {
    return (await this.#client.hget(this.#key, String(index))) ?? undefined;
  }

  /** Drops the requests of items that have their records, if they stand here. */
  async drop(indices: readonly number[]): Promise<void> {
    if (indices.length > 0) await this.#client.hdel(this.#key, ...indices.map(String));
  }
}
