import type { RunKeys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { RUN_TTL_MS } from "./run-ledger.ts";

/** Requests of a run that are too large for their jobs, kept until the records of their items are collected. */
export class OversizedRequests {
  readonly #client: RedisClient;
  readonly #key: string;

  constructor(client: RedisClient, keys: RunKeys) {
    this.#client = client;
    this.#key = keys.requests;
  }

  async put(index: number, json: string): Promise<void> {
    const written = this.#client.hset(this.#key, String(index), json);
    await Promise.all([written, this.#client.pexpire(this.#key, RUN_TTL_MS)]);
  }

  /** The request's JSON; undefined when it was dropped or has expired. */
  async get(index: number): Promise<string | undefined> {
    return (await this.#client.hget(this.#key, String(index))) ?? undefined;
  }

  /** Deletes the requests of these items; items without a stored request are ignored. */
  async drop(indices: readonly number[]): Promise<void> {
    if (indices.length > 0) await this.#client.hdel(this.#key, ...indices.map(String));
  }
}
