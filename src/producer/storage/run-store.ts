import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers/promises";
import { RunError } from "#src/core/failures/errors.ts";
import { isDatabaseBusy } from "#src/sqlite/database-error.ts";
import type { WireRecord } from "#src/state/record-format/record-codec.ts";
import type { Disk } from "./disk.ts";
import type { DuplicateLookup } from "./duplicate-lookup.ts";
import { readRecordBlock, type StoredBlock } from "./read-records.ts";
import { type NewRecord, RecordWriter, toNewRecord } from "./record-writer.ts";
import { repeatWhileLocked, runInTransaction, toRunDatabaseError } from "./run-database.ts";
import type { ItemRange, RecordCounts, StoreState } from "./store-state.ts";
import { checkRecord } from "./stored-record.ts";
import type { IndexedVector, VectorFile } from "./vectors/vector-file.ts";
import { writeDimensions } from "./vectors/vector-properties.ts";
import { WORK_FOLDER } from "./work-folder.ts";

/** Rows per transaction: more would block the event loop, and a result may be shared by any number of duplicates. */
const ROWS_PER_TRANSACTION = 2_000;

interface RunStoreDeps {
  readonly dir: string;
  readonly disk: Disk;
  readonly database: DatabaseSync;
  readonly vectors: VectorFile | undefined;
  readonly now: () => number;
  readonly duplicates: DuplicateLookup;
  readonly state: StoreState;
  /** Messages for the user about how the store was opened. */
  readonly notes: readonly string[];
}

/**
 * The records of one run, as its coordinator uses them. Records may arrive in any order and any number of times; the first
 * one of an item wins.
 *
 * `write` writes vectors to their file and queues the rows; `sync` makes the vectors durable first, then commits the rows.
 * So a row always has its vector, and a record is durable when a `sync` that started after its `write` has resolved. After
 * a failed write or sync the state of the disk is unknown: every call fails until the store is opened again.
 */
export class RunStore {
  readonly dir: string;
  /** The folder of files that are not part of the output. */
  readonly folder: string;
  readonly disk: Disk;
  readonly notes: readonly string[];
  /** Duplicates, whose records are stored together with those of their originals. */
  readonly duplicates: DuplicateLookup;
  /** Whether some records were written by an earlier process, which may have been killed. */
  readonly isResumed: boolean;
  readonly database: DatabaseSync;
  readonly vectors: VectorFile | undefined;
  readonly #now: () => number;
  readonly #state: StoreState;
  readonly #writer: RecordWriter;
  readonly #writing = new Set<Promise<unknown>>();
  #pending: NewRecord[] = [];
  #syncing: Promise<void> = Promise.resolve();
  #storedDimensions: number;
  #broken: RunError | undefined;
  /** Readers that wait until all items before `end` have a durable record. */
  #waiting: { readonly end: number; readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];

  constructor({ dir, disk, database, vectors, now, duplicates, state, notes }: RunStoreDeps) {
    this.dir = dir;
    this.folder = join(dir, WORK_FOLDER);
    this.disk = disk;
    this.notes = notes;
    this.database = database;
    this.vectors = vectors;
    this.duplicates = duplicates;
    this.#now = now;
    this.#state = state;
    const { items, missing } = state.counts();
    this.isResumed = missing < items;
    this.#writer = new RecordWriter(database);
    this.#storedDimensions = vectors?.dimensions ?? 0;
  }

  get items(): number {
    return this.#state.items;
  }

  /** Floats per vector; 0 while unknown, and for a run without vectors. */
  get dimensions(): number {
    return this.vectors?.dimensions ?? 0;
  }

  /** Returns whether the item has a record, durable or not yet. */
  has(index: number): boolean {
    return this.#state.has(index);
  }

  counts(): RecordCounts {
    return this.#state.counts();
  }

  /** Yields the ranges of items without a record, in order. */
  missing(): Generator<ItemRange> {
    return this.#state.missing();
  }

  /**
   * Stores records and those of their duplicates. Resolves when the operating system has accepted the bytes, which are
   * durable only after `sync`; buffers must stay untouched until then. A record that cannot belong to this run rejects
   * before any record is stored.
   */
  async write(records: readonly WireRecord[]): Promise<{ stored: number; alreadyStored: number }> {
    this.#assertUsable();
    this.#check(records);
    const claimed = records.filter(({ index }) => this.#state.claim(index));
    const alreadyStored = records.length - claimed.length;
    if (claimed.length === 0) return { stored: 0, alreadyStored };
    const work = this.#put(claimed);
    this.#writing.add(work);
    try {
      await work;
    } catch (error) {
      throw this.#fail(error);
    } finally {
      this.#writing.delete(work);
    }
    return { stored: claimed.length, alreadyStored };
  }

  /** Throws a RunError that names the first item without a record, if there is one. */
  assertComplete(): void {
    const [first] = this.missing();
    if (!first) return;
    const { items, missing } = this.counts();
    throw new RunError(`${missing} of ${items} items have no record yet; the first one is item ${first.start}`);
  }

  /** Resolves when every record whose `write` resolved before this call survives a kill and a power failure. */
  sync(): Promise<void> {
    const done = this.#syncing.then(() => this.#syncOnce());
    this.#syncing = done.catch(() => undefined);
    return done;
  }

  /**
   * Resolves when all items before `end` have a durable record. Rejects when the store is closed or fails before, and with
   * the signal's reason on abort.
   */
  async waitForRecords(end: number, signal?: AbortSignal): Promise<void> {
    if (this.#state.durablePrefix >= end) return;
    this.#assertUsable();
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = () => reject(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#waiting.push({ end, resolve, reject });
    await promise.finally(() => signal?.removeEventListener("abort", onAbort));
  }

  /**
   * Reads the durable records of `count` items with the items. Reads the vectors into `into` (at least
   * `count * dimensions * 4` bytes, 4-byte aligned) and verifies their checksums; without `into` it does not read them.
   * Rejects with a RunError if an item has no record.
   */
  async read(start: number, count: number, into?: Uint8Array): Promise<StoredBlock> {
    try {
      return await readRecordBlock(this.database, this.vectors, { start, count, into });
    } catch (error) {
      throw toRunDatabaseError(error, this.dir);
    }
  }

  /** Durably removes damaged records. Their items are missing when the store is opened again, which is required then. */
  forget(indices: readonly number[]): RunError {
    this.#assertUsable();
    const remove = this.database.prepare('DELETE FROM records WHERE "index" = ?');
    runInTransaction(this.database, () => {
      for (const index of indices) remove.run(index);
    });
    const more = indices.length > 1 ? ` and ${indices.length - 1} more` : "";
    return this.#fail(
      new RunError(
        `a record on disk differs from what was written: ${this.dir} (item ${indices[0]}${more})`,
        "Check the disk, then run the same command again: only the damaged items are requested again.",
      ),
    );
  }

  /** Closes the files of a finished run; the database then consists of one file that any reader of SQLite can open. */
  async finish(): Promise<void> {
    await this.sync();
    try {
      // The run is finished, so a reader that holds a lock is not worth waiting for.
      this.database.exec("PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE");
    } catch (error) {
      // Another process is reading; the next one that opens the file completes the checkpoint.
      if (!isDatabaseBusy(error)) throw this.#fail(error);
    }
    await this.close();
  }

  /** Makes all records durable and closes the files. After a failure it only closes them. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#writing);
    try {
      if (this.#broken === undefined) await this.sync();
    } finally {
      await this.#syncing;
      this.#fail(new RunError(`the store of the run in ${this.dir} is closed`));
      if (this.database.isOpen) this.database.close();
      await this.vectors?.close();
    }
  }

  #assertUsable(): void {
    if (this.#broken !== undefined) throw this.#broken;
  }

  #fail(error: unknown): RunError {
    this.#broken ??= toRunDatabaseError(error, this.dir);
    for (const { reject } of this.#waiting.splice(0)) reject(this.#broken);
    return this.#broken;
  }

  #check(records: readonly WireRecord[]): void {
    let { dimensions } = this;
    for (const record of records) {
      const { index, vector, json, failure } = record;
      if (failure === undefined && (this.vectors ? vector === undefined : json === undefined)) {
        throw new RunError(`record of item ${index}: needs either a result or a failure`);
      }
      dimensions = checkRecord(record, this.items, dimensions);
    }
    this.vectors?.setDimensions(dimensions);
  }

  async #put(records: readonly WireRecord[]): Promise<void> {
    const vectors: IndexedVector[] = [];
    const rows: NewRecord[] = [];
    const recordedAt = this.#now();
    for (const record of records) {
      const row = toNewRecord(record, recordedAt);
      const { vector } = record;
      // Before their original: a kill in between leaves an original without a record, whose result is still in Redis.
      for (const index of this.duplicates.of(record.index)) {
        if (!this.#state.claim(index)) continue;
        rows.push({ ...row, index, attempts: 0 });
        if (vector) vectors.push({ index, vector });
      }
      rows.push(row);
      if (vector) vectors.push({ index: record.index, vector });
    }
    await this.vectors?.write(vectors);
    for (const row of rows) {
      this.#pending.push(row);
      const { status, attempts, tokens, outputTokens, index } = row;
      this.#state.add({ status, attempts, tokens, outputTokens, count: 1, isDuplicate: this.duplicates.has(index) });
    }
  }

  async #syncOnce(): Promise<void> {
    this.#assertUsable();
    const rows = this.#pending;
    if (rows.length === 0) return;
    this.#pending = [];
    try {
      if (rows.some(({ status }) => status === "ok")) await this.vectors?.sync();
      for (let at = 0; at < rows.length; at += ROWS_PER_TRANSACTION) {
        if (at > 0) await setImmediate();
        const part = rows.slice(at, at + ROWS_PER_TRANSACTION);
        await repeatWhileLocked(
          () => this.#commit(part),
          () => this.#writer.readLanes(),
        );
      }
    } catch (error) {
      throw this.#fail(error);
    }
  }

  #commit(rows: readonly NewRecord[]): void {
    runInTransaction(this.database, () => {
      // A row must not become durable before the dimensions that its position depends on.
      if (this.#storedDimensions !== this.dimensions) writeDimensions(this.database, this.dimensions);
      this.#writer.insert(rows);
    });
    this.#storedDimensions = this.dimensions;
    for (const { index } of rows) this.#state.markDurable(index);
    const { durablePrefix } = this.#state;
    const [ready, waiting] = [this.#waiting.filter(({ end }) => end <= durablePrefix), this.#waiting];
    if (ready.length === 0) return;
    this.#waiting = waiting.filter(({ end }) => end > durablePrefix);
    for (const { resolve } of ready) resolve();
  }
}
