import { RunError } from "../../core/errors.ts";
import { type DiskFile, diskError } from "./disk.ts";
import { type LedgerSlot, SLOT_BYTES, SLOT_FAILED, SLOT_OK, slotPosition } from "./ledger.ts";
import { planLedgerWrites } from "./plan-writes.ts";
import type { ItemRange, RecordCounts, StoreState } from "./store-state.ts";

/** Items that get the outcome of an equal one: they have their record as soon as that one has. */
export interface CopiesOfRun {
  readonly count: number;
  isCopy(index: number): boolean;
  of(original: number): ArrayLike<number> & Iterable<number>;
  all(): Iterable<{ readonly original: number; readonly copies: Iterable<number> }>;
}

/** What a run's coordinator needs of the place its records go to. */
export interface RunStore<R> {
  readonly items: number;
  /** Stored together with the items they are equal to. */
  readonly copies?: CopiesOfRun | undefined;
  /** Stores records; the first one of an item wins. What it stored is durable only after `sync`. */
  write(records: readonly R[]): Promise<{ stored: number; duplicates: number }>;
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
export interface SlotMedium<R> {
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
const COPIES_PER_WRITE = 1_000;

export interface SlotStoreDeps<R> {
  readonly folder: string;
  readonly ledger: DiskFile;
  readonly state: StoreState;
  readonly medium: SlotMedium<R>;
  readonly copies?: CopiesOfRun;
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
export class SlotStore<R extends { readonly index: number }> {
  readonly #deps: SlotStoreDeps<R>;
  readonly #writing = new Set<Promise<unknown>>();
  #pending: LedgerSlot[] = [];
  #syncing: Promise<void> = Promise.resolve();
  #duplicates = 0;
  #broken: RunError | undefined;

  constructor(deps: SlotStoreDeps<R>) {
    this.#deps = deps;
  }

  async write(records: readonly R[]): Promise<{ stored: number; duplicates: number }> {
    this.#requireWhole();
    this.#deps.medium.check(records);
    const fresh = this.#claim(records);
    const duplicates = records.length - fresh.length;
    this.#duplicates += duplicates;
    if (fresh.length === 0) return { stored: 0, duplicates };
    const work = this.#putAll(fresh);
    this.#writing.add(work);
    try {
      await work;
    } catch (error) {
      throw this.#break(error);
    } finally {
      this.#writing.delete(work);
    }
    return { stored: fresh.length, duplicates };
  }

  sync(): Promise<void> {
    const done = this.#syncing.then(() => this.#syncOnce());
    this.#syncing = done.catch(() => {});
    return done;
  }

  counts(): RecordCounts & { readonly duplicates: number } {
    return { ...this.#deps.state.counts(), duplicates: this.#duplicates };
  }

  /** Takes back durable records that turned out damaged: their items are missing from now on. */
  async forget(slots: readonly LedgerSlot[]): Promise<void> {
    this.#requireWhole();
    const { ledger, state } = this.#deps;
    try {
      for (const slot of slots) await ledger.write([new Uint8Array(SLOT_BYTES)], slotPosition(slot.index));
      await ledger.sync();
    } catch (error) {
      throw this.#break(error);
    }
    for (const slot of slots) state.remove(slot);
  }

  async close(): Promise<void> {
    const { folder, ledger, medium } = this.#deps;
    await Promise.allSettled(this.#writing);
    try {
      if (this.#broken === undefined) await this.sync();
    } finally {
      await this.#syncing;
      this.#broken ??= new RunError(`the record store in ${folder} is closed`);
      await Promise.all([...medium.files, ledger].map((file) => file.close()));
    }
  }

  /**
   * Gives the copies of items that have a durable record theirs, where a kill came between the two. For a store that
   * was just opened.
   */
  async completeCopies(): Promise<void> {
    const { copies, state, medium } = this.#deps;
    const { items, missing } = state.counts();
    if (!copies?.count || missing === 0 || missing === items) return;
    for (const { original, copies: wanted } of copies.all()) {
      if (!state.has(original) || Array.from(wanted).every((copy) => state.has(copy))) continue;
      const found = await medium.get(original);
      if ("damaged" in found) await this.forget([found.damaged]);
      else await this.#putCopies(found.record);
    }
  }

  #requireWhole(): void {
    if (this.#broken !== undefined) throw this.#broken;
  }

  #break(error: unknown): RunError {
    this.#broken ??= diskError(error, this.#deps.folder);
    return this.#broken;
  }

  /** The records whose items had none; claiming before the first byte is written keeps a parallel call out. */
  #claim(records: readonly R[]): R[] {
    const { medium, state } = this.#deps;
    return records.filter((record) =>
      state.claim(record.index, medium.isFailure(record) ? SLOT_FAILED : SLOT_OK),
    );
  }

  async #putAll(fresh: readonly R[]): Promise<void> {
    await this.#put(fresh);
    if (!this.#deps.copies?.count) return;
    for (const record of fresh) await this.#putCopies(record);
  }

  /** Nobody was asked for a copy, and so it says: no attempt, and its tokens are not among those that were charged. */
  async #putCopies(record: R): Promise<void> {
    const waiting: R[] = [];
    for (const index of this.#deps.copies?.of(record.index) ?? []) {
      waiting.push({ ...record, index, attempts: 0 });
      if (waiting.length >= COPIES_PER_WRITE) await this.#put(this.#claim(waiting.splice(0)));
    }
    if (waiting.length > 0) await this.#put(this.#claim(waiting));
  }

  async #put(fresh: readonly R[]): Promise<void> {
    const slots = await this.#deps.medium.put(fresh);
    this.#pending.push(...slots);
    for (const slot of slots) this.#deps.state.add(slot);
  }

  async #syncOnce(): Promise<void> {
    this.#requireWhole();
    const { ledger, medium } = this.#deps;
    const slots = this.#pending;
    if (slots.length === 0) return;
    this.#pending = [];
    try {
      await medium.sync(slots);
      for (const { buffers, position } of planLedgerWrites(slots)) await ledger.write(buffers, position);
      await ledger.sync();
    } catch (error) {
      throw this.#break(error);
    }
  }
}
