import { FailureClusters } from "../../core/failure-clusters.ts";
import type { Failure } from "../../core/item.ts";
import type { WireRecord } from "../../queue/record-codec.ts";
import { publishClusters } from "../../queue/run-journal.ts";
import type { Keys } from "../../redis/keys.ts";
import type { RedisClient } from "../../redis/script.ts";
import type { StoredFailure } from "../sink/read-failures.ts";
import type { CopiesOfRun } from "../sink/slot-store.ts";

/** Redis may have lost what it was told, so now and then it is told everything. */
const ALL_EVERY_MS = 30_000;

/** Counts a run's failed items by kind and by cause, and publishes the causes for screens anywhere. */
export class FailureTally {
  readonly #client: RedisClient;
  readonly #keys: Keys;
  readonly #run: string;
  readonly #clusters = new FailureClusters();
  #byKind: Record<string, number>;
  #allAt = Number.NEGATIVE_INFINITY;

  /** `byKind` as the last checkpoint has it, until `noteStored` knows better. */
  constructor(client: RedisClient, keys: Keys, run: string, byKind: Readonly<Record<string, number>>) {
    this.#client = client;
    this.#keys = keys;
    this.#run = run;
    this.#byKind = { ...byKind };
  }

  byKind(): Record<string, number> {
    return { ...this.#byKind };
  }

  /**
   * First records of items; `copies` have got theirs together with them. An item that Redis delivers twice within one
   * read, after it had lost the run, counts twice until the run is taken up again.
   */
  noteRecords(records: readonly WireRecord[], copies?: CopiesOfRun): void {
    for (const { index, failure } of records) {
      if (failure) this.#add(index, failure, 1 + (copies?.of(index).length ?? 0));
    }
  }

  /** Counts from what is on disk, which a run that was killed knows better than its `run.json`. Before anything else. */
  async noteStored(stored: AsyncIterable<readonly StoredFailure[]>): Promise<void> {
    this.#byKind = {};
    for await (const failures of stored) {
      for (const { index, failure } of failures) if (failure) this.#add(index, failure, 1);
    }
  }

  /** Tells Redis of causes that changed; of all of them with `all`, and now and then. */
  async publish(now: number, { all = false } = {}): Promise<void> {
    const fresh = all || now - this.#allAt >= ALL_EVERY_MS;
    if (fresh) this.#allAt = now;
    const changed = this.#clusters.takeChanged();
    const clusters = fresh ? this.#clusters.list() : changed;
    if (!fresh && clusters.length === 0) return;
    await publishClusters(this.#client, this.#keys, this.#run, clusters, { fresh });
  }

  #add(index: number, failure: Failure, items: number): void {
    this.#byKind[failure.kind] = (this.#byKind[failure.kind] ?? 0) + items;
    this.#clusters.add(index, failure, items);
  }
}
