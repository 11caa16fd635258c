import { FailureCauseCounter } from "#src/core/failures/failure-cause-counter.ts";
import type { Failure } from "#src/core/item.ts";
import type { DuplicateLookup } from "#src/producer/storage/duplicate-lookup.ts";
import type { FailureGroup } from "#src/producer/storage/failure-rows.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import type { WireRecord } from "#src/state/record-format/record-codec.ts";
import { publishFailureCauses } from "#src/state/runs/run-journal.ts";

/** Redis may have lost causes, so all of them are published again after this time. */
const FULL_PUBLISH_INTERVAL_MS = 30_000;

/** Counts the failed items of a run by kind and by cause, and publishes the causes to Redis. */
export class FailureStats {
  readonly #client: RedisClient;
  readonly #keys: Keys;
  readonly #run: string;
  readonly #causes = new FailureCauseCounter();
  #countsByKind: Record<string, number>;
  #fullPublishAt = Number.NEGATIVE_INFINITY;

  /** `countsByKind` as in the last checkpoint; `recordStored` replaces them. */
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
   * Counts first records of items and of their duplicates. An item that Redis delivers twice within one read, after it
   * had lost the run, counts twice until the run is resumed.
   */
  recordFailures(records: readonly WireRecord[], duplicates?: DuplicateLookup): void {
    for (const { index, failure } of records) {
      if (failure) this.#add(index, failure, 1 + (duplicates?.of(index).length ?? 0));
    }
  }

  /** Counts the failures on disk, which are more accurate than `run.json` after a kill. Must be called first. */
  recordStored(groups: readonly FailureGroup[]): void {
    this.#countsByKind = {};
    for (const { index, count, ...failure } of groups) this.#add(index, failure, count);
  }

  /** Publishes the causes that changed; all of them with `all`, and every 30 s. */
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
