import type { Clock } from "#src/core/clock.ts";
import type { RunStore } from "#src/producer/storage/ledger-store.ts";
import type { RedisClient } from "#src/redis/script.ts";
import type { WireRecord } from "#src/state/records/record-codec.ts";
import type { ResultEntry, RunControl } from "#src/state/runs/run-control.ts";
import type { Window } from "./feeding/window.ts";
import { RunStoppedError } from "./run-error.ts";

export interface CollectorDeps {
  readonly control: RunControl;
  /** Who holds the run's lease. */
  readonly token: string;
  /** A connection of its own: reads block. */
  readonly blocking: RedisClient;
  readonly store: RunStore<WireRecord>;
  readonly window: Window;
  readonly clock: Clock;
  /** Records have been stored: the first ones of their items, and perhaps some read twice. */
  readonly onRecords?: (records: readonly WireRecord[]) => void;
  /** Records have become durable: there is room in the window. */
  readonly onDurable: () => void;
}

/** Entries per read: some megabytes of vectors, whatever waits in the stream. */
const READ_COUNT = 64;
const BLOCK_MS = 200;
/**
 * Pause after a read that brought little. Entries gather meanwhile: neighbouring batches become one write to disk, and
 * Redis, disk and queue are asked a few times a second instead of once per upstream call.
 */
const BATCH_DELAY_MS = 25;
/** Making records durable costs two waits for the disk, a trim and a top-up of the window, however many there are. */
const SYNC_INTERVAL_MS = 100;

/**
 * Moves records from the results stream to disk. The stream is trimmed only after the disk has said that the
 * records are durable, so a kill at any point loses nothing: what is read twice is stored once.
 */
export class Collector {
  readonly #deps: CollectorDeps;
  #after = "0-0";
  #syncing: Promise<void> | undefined;
  #syncedAt = Number.NEGATIVE_INFINITY;
  #failed: unknown;

  constructor(deps: CollectorDeps) {
    this.#deps = deps;
  }

  /** Resolves when nothing is on its way to disk. */
  async settle(): Promise<void> {
    await this.#syncing;
  }

  /** Reads from the start again: Redis was opened anew. */
  restart(): void {
    this.#after = "0-0";
  }

  /** Takes what is there, or waits a moment for something; stores it and has it made durable in the background. */
  async step(): Promise<void> {
    const { control, blocking, window, clock } = this.#deps;
    if (this.#failed !== undefined) throw this.#failed;
    const entries = await control.readResults(blocking, this.#after, READ_COUNT, BLOCK_MS);
    await this.#store(entries);
    const now = clock.now();
    if (!this.#syncing && window.collected > 0 && now - this.#syncedAt >= SYNC_INTERVAL_MS) {
      this.#syncedAt = now;
      this.#syncing = this.#sync().finally(() => {
        this.#syncing = undefined;
      });
      this.#syncing.catch((error) => {
        this.#failed = error;
      });
    }
    if (entries.length > 0 && entries.length < READ_COUNT / 2) await clock.sleep(BATCH_DELAY_MS);
  }

  /** Takes all that is there without waiting, and resolves when it is durable and gone from Redis. */
  async drain(): Promise<void> {
    const { control, blocking } = this.#deps;
    for (;;) {
      const entries = await control.readResults(blocking, this.#after, READ_COUNT, 1);
      if (entries.length === 0) break;
      await this.#store(entries);
    }
    await this.#syncing;
    await this.#sync();
  }

  async #store(entries: readonly ResultEntry[]): Promise<void> {
    const { store, window, clock } = this.#deps;
    const last = entries.at(-1);
    if (!last) return;
    const records = entries.flatMap((entry) => entry.records).filter((record) => !store.has(record.index));
    await store.write(records);
    this.#deps.onRecords?.(records);
    const now = clock.now();
    for (const record of records) window.markCollected(record.index, now);
    this.#after = last.id;
  }

  async #sync(): Promise<void> {
    const { control, store, window, token } = this.#deps;
    const [upTo, collected] = [this.#after, window.collected];
    await store.sync();
    if (upTo === "0-0") return;
    const ended = window.markDurable(collected);
    this.#deps.onDurable();
    if (!(await control.trimResults(token, upTo, ended))) {
      throw new RunStoppedError("lost-lease", "another process has taken over this run");
    }
  }
}
