import type { ResultEntry } from "#src/state/runs/run-control.ts";
import type { Window } from "./feeding/feed-window.ts";
import type { RunContext } from "./run-environment.ts";
import { RunStoppedError } from "./run-error.ts";

/** Entries per read, so that a read returns a few megabytes of vectors however long the stream is. */
const READ_COUNT = 64;
const BLOCK_MS = 200;
/**
 * Pause after a short read. Entries accumulate meanwhile: neighboring batches become one write to disk, and Redis, the
 * disk and the queue are used a few times a second instead of once per upstream call.
 */
const BATCH_DELAY_MS = 25;
/** Making records durable costs two disk syncs, a trim and a top-up of the window, however many there are. */
const SYNC_INTERVAL_MS = 100;

/**
 * Moves records from the results stream to disk. The stream is trimmed only after the records are durable, so a kill at
 * any point loses nothing. A record that is read twice is stored once.
 */
export class Collector {
  readonly #context: RunContext;
  readonly #window: Window;
  readonly #onDurable: () => void;
  #after = "0-0";
  #syncing: Promise<void> | undefined;
  #syncedAt = Number.NEGATIVE_INFINITY;
  #failed: unknown;

  /** `onDurable` is called when records have become durable, which frees space in the window. */
  constructor(context: RunContext, window: Window, onDurable: () => void) {
    this.#context = context;
    this.#window = window;
    this.#onDurable = onDurable;
  }

  /** Resolves when no sync is in progress. */
  async settle(): Promise<void> {
    await this.#syncing;
  }

  /** Reads the stream from its start again, because the run was reopened in Redis. */
  restart(): void {
    this.#after = "0-0";
  }

  /** Reads and stores the next records, waiting up to 200 ms for them. Makes them durable in the background. */
  async step(): Promise<void> {
    const { control, blocking, clock } = this.#context;
    if (this.#failed !== undefined) throw this.#failed;
    const entries = await control.readResults(blocking, this.#after, READ_COUNT, BLOCK_MS);
    await this.#store(entries);
    const now = clock.monotonic();
    if (!this.#syncing && this.#window.collected > 0 && now - this.#syncedAt >= SYNC_INTERVAL_MS) {
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

  /** Stores all available records without waiting. Resolves when they are durable and trimmed from Redis. */
  async drain(): Promise<void> {
    const { control, blocking } = this.#context;
    for (;;) {
      const entries = await control.readResults(blocking, this.#after, READ_COUNT, 1);
      if (entries.length === 0) break;
      await this.#store(entries);
    }
    // The next sync repeats what failed; a store whose write has failed accepts no further ones.
    await this.#syncing?.catch(() => undefined);
    await this.#sync();
  }

  async #store(entries: readonly ResultEntry[]): Promise<void> {
    const { store, clock, onRecords } = this.#context;
    const last = entries.at(-1);
    if (!last) return;
    const records = entries.flatMap((entry) => entry.records).filter((record) => !store.has(record.index));
    await store.write(records);
    onRecords?.(records);
    const now = clock.monotonic();
    for (const record of records) this.#window.markCollected(record.index, now);
    this.#after = last.id;
  }

  async #sync(): Promise<void> {
    const { control, store, lease, checkFolder } = this.#context;
    const [upTo, collected] = [this.#after, this.#window.collected];
    await store.sync();
    if (upTo === "0-0") return;
    // Files that were deleted can still be written and synced; then only Redis has the records.
    await checkFolder?.();
    const ended = this.#window.markDurable(collected);
    this.#onDurable();
    if (!(await control.trimResults(lease.token, upTo, ended))) {
      throw new RunStoppedError("lost-lease", "another process has taken over this run");
    }
  }
}
