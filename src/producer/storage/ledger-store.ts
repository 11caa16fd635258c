import { RunError } from "#src/core/failures/errors.ts";
import { type DiskFile, toDiskError } from "./disk.ts";
import { type LedgerSlot, SLOT_BYTES, SLOT_FAILED, SLOT_OK, slotPosition } from "./ledger-file.ts";
import { planLedgerWrites } from "./plan-writes.ts";
import type { ItemRange, RecordCounts, StoreState } from "./store-state.ts";

/** Finds items that get the outcome of an equal item; they get their record together with that item. */
export interface DuplicateLookup {
  readonly count: number;
  isDuplicate(index: number): boolean;
  of(original: number): ArrayLike<number> & Iterable<number>;
  all(): Iterable<{ readonly original: number; readonly duplicates: Iterable<number> }>;
}

/** The store of a run's records, as its coordinator uses it. */
export interface RunStore<R> {
  readonly items: number;
  /** Duplicates, which are stored together with their originals. */
  readonly duplicates?: DuplicateLookup | undefined;
  /** Stores records; the first record of an item wins. They are durable only after `sync`. */
  write(records: readonly R[]): Promise<{ stored: number; alreadyStored: number }>;
  /** Resolves when every record whose `write` resolved before this call survives a kill and a power failure. */
  sync(): Promise<void>;
  /** Returns whether the item has a record, durable or not yet. */
  has(index: number): boolean;
  counts(): RecordCounts;
  /** Yields the ranges of items without a record, in order. */
  missing(): Iterable<ItemRange>;
  close(): Promise<void>;
}

/** Storage of one kind of records: everything in a store except the ledger. */
export interface RecordBackend<R> {
  /** All files except the ledger, to close with the store. */
  readonly files: readonly DiskFile[];
  /** Throws a RunError for a record that cannot belong to this run, before any record of its `write` is stored. */
  check(records: readonly R[]): void;
  isFailure(record: R): boolean;
  /** Writes records and resolves with their slots, when the operating system has accepted the bytes. */
  put(records: readonly R[]): Promise<LedgerSlot[]>;
  /** Makes the records of these slots durable. */
  sync(slots: readonly LedgerSlot[]): Promise<void>;
  /** Reads a durable record; returns its slot instead when the record on disk is damaged. */
  get(index: number): Promise<{ readonly record: R } | { readonly damaged: LedgerSlot }>;
}

/** Duplicates per write, so that a result that thousands of items share is not in memory for each of them. */
const DUPLICATES_PER_WRITE = 1_000;

export interface LedgerStoreDeps<R> {
  readonly folder: string;
  readonly ledger: DiskFile;
  readonly state: StoreState;
  readonly backend: RecordBackend<R>;
  readonly duplicates?: DuplicateLookup;
}

/**
 * The ledger of a store and the order of its disk writes. Records may arrive in any order and any number of times.
 *
 * `write` writes records to their files and queues the ledger slots; `sync` makes these files durable first, then writes
 * the slots and makes them durable. So a slot on disk always has its record, and a record is durable when a `sync` that
 * started after its `write` has resolved. After a failed write or sync the state of the disk is unknown: every call
 * fails until the store is opened again.
 */
export class LedgerStore<R extends { readonly index: number }> {
  readonly #deps: LedgerStoreDeps<R>;
  readonly #writing = new Set<Promise<unknown>>();
  #pending: LedgerSlot[] = [];
  #syncing: Promise<void> = Promise.resolve();
  #alreadyStored = 0;
  #broken: RunError | undefined;

  constructor(deps: LedgerStoreDeps<R>) {
    this.#deps = deps;
  }

  async write(records: readonly R[]): Promise<{ stored: number; alreadyStored: number }> {
    this.#assertUsable();
    this.#deps.backend.check(records);
    const newRecords = this.#claim(records);
    const alreadyStored = records.length - newRecords.length;
    this.#alreadyStored += alreadyStored;
    if (newRecords.length === 0) return { stored: 0, alreadyStored };
    const work = this.#putAll(newRecords);
    this.#writing.add(work);
    try {
      await work;
    } catch (error) {
      throw this.#fail(error);
    } finally {
      this.#writing.delete(work);
    }
    return { stored: newRecords.length, alreadyStored };
  }

  sync(): Promise<void> {
    const done = this.#syncing.then(() => this.#syncOnce());
    this.#syncing = done.catch(() => {});
    return done;
  }

  counts(): RecordCounts & { readonly alreadyStored: number } {
    return { ...this.#deps.state.counts(), alreadyStored: this.#alreadyStored };
  }

  /** Removes durable records that are damaged; their items are missing from now on. */
  async forget(slots: readonly LedgerSlot[]): Promise<void> {
    this.#assertUsable();
    const { ledger, state } = this.#deps;
    try {
      for (const slot of slots) await ledger.write([new Uint8Array(SLOT_BYTES)], slotPosition(slot.index));
      await ledger.sync();
    } catch (error) {
      throw this.#fail(error);
    }
    for (const slot of slots) state.remove(slot);
  }

  async close(): Promise<void> {
    const { folder, ledger, backend } = this.#deps;
    await Promise.allSettled(this.#writing);
    try {
      if (this.#broken === undefined) await this.sync();
    } finally {
      await this.#syncing;
      this.#broken ??= new RunError(`the record store in ${folder} is closed`);
      await Promise.all([...backend.files, ledger].map((file) => file.close()));
    }
  }

  /**
   * Writes the missing records of duplicates whose original has a durable record, after a kill between the two. For a
   * store that was just opened.
   */
  async completeDuplicates(): Promise<void> {
    const { duplicates, state, backend } = this.#deps;
    const { items, missing } = state.counts();
    if (!duplicates?.count || missing === 0 || missing === items) return;
    for (const { original, duplicates: indices } of duplicates.all()) {
      if (!state.has(original) || Array.from(indices).every((duplicate) => state.has(duplicate))) continue;
      const found = await backend.get(original);
      if ("damaged" in found) await this.forget([found.damaged]);
      else await this.#putDuplicates(found.record);
    }
  }

  #assertUsable(): void {
    if (this.#broken !== undefined) throw this.#broken;
  }

  #fail(error: unknown): RunError {
    this.#broken ??= toDiskError(error, this.#deps.folder);
    return this.#broken;
  }

  /** Selects the first record of each item; claiming before the first write excludes parallel calls. */
  #claim(records: readonly R[]): R[] {
    const { backend, state } = this.#deps;
    return records.filter((record) => state.claim(record.index, backend.isFailure(record) ? SLOT_FAILED : SLOT_OK));
  }

  async #putAll(newRecords: readonly R[]): Promise<void> {
    await this.#put(newRecords);
    if (!this.#deps.duplicates?.count) return;
    for (const record of newRecords) await this.#putDuplicates(record);
  }

  /** Stores a record for each duplicate: without attempts, and its tokens are not counted as charged. */
  async #putDuplicates(record: R): Promise<void> {
    const waiting: R[] = [];
    for (const index of this.#deps.duplicates?.of(record.index) ?? []) {
      waiting.push({ ...record, index, attempts: 0 });
      if (waiting.length >= DUPLICATES_PER_WRITE) await this.#put(this.#claim(waiting.splice(0)));
    }
    if (waiting.length > 0) await this.#put(this.#claim(waiting));
  }

  async #put(newRecords: readonly R[]): Promise<void> {
    const slots = await this.#deps.backend.put(newRecords);
    this.#pending.push(...slots);
    for (const slot of slots) this.#deps.state.add(slot);
  }

  async #syncOnce(): Promise<void> {
    this.#assertUsable();
    const { ledger, backend } = this.#deps;
    const slots = this.#pending;
    if (slots.length === 0) return;
    this.#pending = [];
    try {
      await backend.sync(slots);
      for (const { buffers, position } of planLedgerWrites(slots)) await ledger.write(buffers, position);
      await ledger.sync();
    } catch (error) {
      throw this.#fail(error);
    }
  }
}
