import { FailureCauseCounter } from "#src/core/failure-cause-counter.ts";
import type { Failure } from "#src/core/item.ts";
import type { DuplicateLookup } from "#src/producer/storage/ledger-store.ts";
import type { StoredFailure } from "#src/producer/storage/read-failures.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import type { WireRecord } from "#src/state/records/record-codec.ts";
import { publishFailureCauses } from "#src/state/runs/run-journal.ts";

/** Redis may have lost what it was told, so now and then it is told everything. */
const FULL_PUBLISH_INTERVAL_MS = 30_000;

/** Counts a run's failed items by kind and by cause, and publishes the causes for screens anywhere. */
export class FailureStats {
  readonly #client: RedisClient;
  readonly #keys: Keys;
  readonly #run: string;
  readonly #causes = new FailureCauseCounter();
  #countsByKind: Record<string, number>;
  #fullPublishAt = Number.NEGATIVE_INFINITY;

  /** `byKind` as the last checkpoint has it, until `noteStored` knows better. */
  constructor(client: RedisClient, keys: Keys, run: string, countsByKind: Readonly<Record<string, number>>) {
    this.#client = client;
    this.#keys = keys;
    this.#run = run;
    this.#countsByKind = { ...countsByKind };
  }

  countsByKind(): Record<string, number> {
    return { ...this.#countsByKind };
  }

  /**
   * First records of items; `copies` have got theirs together with them. An item that Redis delivers twice within one
   * read, after it had lost the run, counts twice until the run is taken up again.
   */
  recordFailures(records: readonly WireRecord[], duplicates?: DuplicateLookup): void {
    for (const { index, failure } of records) {
      if (failure) this.#add(index, failure, 1 + (duplicates?.of(index).length ?? 0));
    }
  }

  /** Counts from what is on disk, which a run that was killed knows better than its `run.json`. Before anything else. */
  async recordStored(stored: AsyncIterable<readonly StoredFailure[]>): Promise<void> {
    this.#countsByKind = {};
    for await (const failures of stored) {
      for (const { index, failure } of failures) if (failure) this.#add(index, failure, 1);
    }
  }

  /** Tells Redis of causes that changed; of all of them with `all`, and now and then. */
  async publish(now: number, { all = false } = {}): Promise<void> {
    const replaceAll = all || now - this.#fullPublishAt >= FULL_PUBLISH_INTERVAL_MS;
    if (replaceAll) this.#fullPublishAt = now;
    const changed = this.#causes.drainChanged();
    const causes = replaceAll ? this.#causes.list() : changed;
    if (!replaceAll && causes.length === 0) return;
    await publishFailureCauses(this.#client, this.#keys, this.#run, causes, { replaceAll });
  }

  #add(index: number, failure: Failure, items: number): void {
    this.#countsByKind[failure.kind] = (this.#countsByKind[failure.kind] ?? 0) + items;
    this.#causes.add(index, failure, items);
  }
}
