import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { RunLedger } from "#src/state/runs/run-ledger.ts";

/** More runs than a worker has jobs of at once; the least recently used one is evicted. */
const MAX_LEDGERS = 500;

/**
 * Shares one ledger per run among the jobs of a worker, so that their simultaneous commands are sent to Redis together.
 */
export class RunLedgerCache {
  readonly #client: RedisClient;
  readonly #keys: Keys;
  readonly #ledgers = new Map<string, RunLedger>();

  constructor(client: RedisClient, keys: Keys) {
    this.#client = client;
    this.#keys = keys;
  }

  of(runId: string): RunLedger {
    const ledger = this.#ledgers.get(runId) ?? new RunLedger(this.#client, this.#keys.run(runId));
    this.#ledgers.delete(runId);
    this.#ledgers.set(runId, ledger);
    for (const [oldest] of this.#ledgers) {
      if (this.#ledgers.size <= MAX_LEDGERS) break;
      this.#ledgers.delete(oldest);
    }
    return ledger;
  }
}
