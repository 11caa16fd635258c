import { RunError } from "#src/core/errors.ts";
import { type DiskFile, diskError } from "./disk.ts";
import { type LedgerSlot, SLOT_BYTES, SLOT_FAILED, SLOT_OK, slotPosition } from "./ledger.ts";
import { planLedgerWrites } from "./plan-writes.ts";
import type { ItemRange, RecordCounts, StoreState } from "./store-state.ts";

/** Items that get the outcome of an equal one: they have their record as soon as that one has. */
export interface DuplicateLookup {
  readonly count: number;
  isDuplicate(index: number): boolean;
  of(original: number): ArrayLike<number> & Iterable<number>;
  all(): Iterable<{ readonly original: number; readonly duplicates: Iterable<number> }>;
}

/** What a run's coordinator needs of the place its records go to. */
export interface RunStore<R> {
  readonly items: number;
  /** Stored together with the items they are equal to. */
  readonly duplicates?: DuplicateLookup | undefined;
  /** Stores records; the first one of an item wins. What it stored is durable only after `sync`. */
  write(records: readonly R[]): Promise<{ stored: number; alreadyStored: number }>;
  /** Resolves when every record whose `write` had resolved before this call survives a kill and a power cut. */
  sync(): Promise<void>;
  /** Whether the item has its record, durable or about to be. */
  has(index: number): boolean;
  counts(): RecordCounts;
  /** Ranges of items without a record, in order. */
  missing(): Iterable<ItemRange>;
  close(): Promise<void>;
}

/** Where the records of one kind lie: everything about a store that is not the ledger. */
export interface RecordBackend<R> {
  /** All files but the ledger, to be closed with the store. */
  readonly files: readonly DiskFile[];
  /** Throws a RunError for a record that cannot be of this run, before anything of its `write` is stored. */
  check(records: readonly R[]): void;
  isFailure(record: R): boolean;
  /** Puts records in their places, and resolves with the slots that say where once the system has the bytes. */
  put(records: readonly R[]): Promise<LedgerSlot[]>;
  /** Makes durable what these slots point to. */
  sync(slots: readonly LedgerSlot[]): Promise<void>;
  /** Reads a durable record back; a slot instead when what is on disk is not what was written. */
  get(index: number): Promise<{ readonly record: R } | { readonly damaged: LedgerSlot }>;
}

/** Records in one write to the medium: a result that thousands of items share must not be in memory for each of them. */
const DUPLICATES_PER_WRITE = 1_000;

export interface LedgerStoreDeps<R> {
  readonly folder: string;
  readonly ledger: DiskFile;
  readonly state: StoreState;
  readonly backend: RecordBackend<R>;
  readonly duplicates?: DuplicateLookup;
}

/**
 * The ledger of a store and the order in which things reach the disk, so that records may come in any order and any
 * number of times.
 *
 * `write` puts records into their files and remembers the ledger slots; `sync` makes those files durable first, then
 * writes the slots and makes them durable. So a slot on disk always has its record, and a record is safe once the
 * `sync` begun after its `write` has resolved. After a failed write or sync the store refuses everything (what reached
 * the disk is unknown then); opening it again finds the truth.
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

  /** Takes back durable records that turned out damaged: their items are missing from now on. */
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
   * Gives the copies of items that have a durable record theirs, where a kill came between the two. For a store that
   * was just opened.
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
    this.#broken ??= diskError(error, this.#deps.folder);
    return this.#broken;
  }

  /** The records whose items had none; claiming before the first byte is written keeps a parallel call out. */
  #claim(records: readonly R[]): R[] {
    const { backend, state } = this.#deps;
    return records.filter((record) => state.claim(record.index, backend.isFailure(record) ? SLOT_FAILED : SLOT_OK));
  }

  async #putAll(newRecords: readonly R[]): Promise<void> {
    await this.#put(newRecords);
    if (!this.#deps.duplicates?.count) return;
    for (const record of newRecords) await this.#putDuplicates(record);
  }

  /** Nobody was asked for a copy, and so it says: no attempt, and its tokens are not among those that were charged. */
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
