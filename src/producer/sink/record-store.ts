import { join } from "node:path";
import { crc32 } from "node:zlib";
import { RunError } from "../../core/errors.ts";
import { type Disk, type DiskFile, diskError, requireLittleEndian, systemDisk } from "./disk.ts";
import { FailureLog } from "./failure-log.ts";
import { checkRecord, type ItemRecord } from "./item-record.ts";
import {
  encodeLedgerHeader,
  type LedgerSlot,
  SLOT_BYTES,
  SLOT_FAILED,
  SLOT_OK,
  slotPosition,
} from "./ledger.ts";
import { NPY_HEADER_BYTES } from "./npy-header.ts";
import { type PlannedWrite, planLedgerWrites, planSlotWrites, type SlotBytes } from "./plan-writes.ts";
import { readLedger } from "./read-ledger.ts";
import type { ItemRange, RecordCounts, StoreState } from "./store-state.ts";
import { readStoredBlock, type StoredBlock } from "./stored-block.ts";

/** The folder inside a run's output folder that holds what is not finished yet. */
export const WORK_FOLDER = ".work";
export const VECTOR_FILE = "vectors.f32";

export interface RecordStoreOptions {
  /** Items of the run; a store made for another number is refused. */
  readonly items: number;
  /** Floats per vector; when absent, the first vector tells. */
  readonly dimensions?: number;
  readonly disk?: Disk;
}

interface StoreFiles {
  readonly vectors: DiskFile;
  readonly ledger: DiskFile;
  readonly failures: DiskFile;
}

/**
 * Opens the store of a run in `dir/.work`, or makes it. Records that were durable are there again; what a kill or a
 * power cut left half-written counts as missing. One process at a time may hold a store.
 */
export async function openRecordStore(dir: string, options: RecordStoreOptions): Promise<RecordStore> {
  requireLittleEndian();
  const disk = options.disk ?? systemDisk;
  const folder = join(dir, WORK_FOLDER);
  const opened: DiskFile[] = [];
  const open = async (name: string) => {
    const file = await disk.open(join(folder, name));
    opened.push(file);
    return file;
  };
  try {
    const files = {
      vectors: await open(VECTOR_FILE),
      ledger: await open("ledger.bin"),
      failures: await open("failures.jsonl"),
    };
    const log = await FailureLog.open(files.failures);
    const state = await readLedger({ ...files, log, folder, ...options });
    await disk.syncFolder(folder);
    await disk.syncFolder(dir);
    return new RecordStore({ folder, disk, files, log, state });
  } catch (error) {
    await Promise.allSettled(opened.map((file) => file.close()));
    throw diskError(error, folder);
  }
}

interface RecordStoreDeps {
  readonly folder: string;
  readonly disk: Disk;
  readonly files: StoreFiles;
  readonly log: FailureLog;
  readonly state: StoreState;
}

/**
 * The records of one run on disk, in fixed slots, so that they may come in any order and any number of times.
 *
 * `write` puts vectors and failures into their files and remembers the ledger slots; `sync` makes those files durable
 * first, then writes the slots and makes them durable. So a slot on disk always has its record, and a record is safe
 * once the `sync` begun after its `write` has resolved. After a failed write or sync the store refuses everything
 * (what reached the disk is unknown then); opening it again finds the truth.
 */
export class RecordStore {
  readonly folder: string;
  readonly disk: Disk;
  readonly #files: StoreFiles;
  readonly #log: FailureLog;
  readonly #state: StoreState;
  readonly #writing = new Set<Promise<unknown>>();
  #pending: LedgerSlot[] = [];
  #syncing: Promise<void> = Promise.resolve();
  #duplicates = 0;
  /** What the ledger's header on disk says. */
  #headerDimensions: number;
  #broken: RunError | undefined;

  constructor(deps: RecordStoreDeps) {
    this.folder = deps.folder;
    this.disk = deps.disk;
    this.#files = deps.files;
    this.#log = deps.log;
    this.#state = deps.state;
    this.#headerDimensions = deps.state.dimensions;
  }

  get items(): number {
    return this.#state.items;
  }

  /** Floats per vector; 0 while neither the options nor a vector told. */
  get dimensions(): number {
    return this.#state.dimensions;
  }

  /** The file of vectors: a free header of 128 bytes, then `dimensions * 4` bytes per item. */
  get vectorFile(): DiskFile {
    return this.#files.vectors;
  }

  /**
   * Stores records; the first one of an item wins and any later one is counted as a duplicate. Resolves when the
   * system has the bytes, which are durable only after `sync`. Buffers must stay untouched until then. A record that
   * cannot belong to this run (index, vector length) rejects before anything of the call is stored.
   */
  async write(records: readonly ItemRecord[]): Promise<{ stored: number; duplicates: number }> {
    this.#requireWhole();
    const dimensions = this.#checkRecords(records);
    const fresh = this.#claim(records);
    const duplicates = records.length - fresh.length;
    this.#duplicates += duplicates;
    if (fresh.length === 0) return { stored: 0, duplicates };
    this.#state.dimensions = dimensions;
    const work = this.#store(fresh);
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

  /** Resolves when every record whose `write` had resolved before this call survives a kill and a power cut. */
  sync(): Promise<void> {
    const done = this.#syncing.then(() => this.#syncOnce());
    this.#syncing = done.catch(() => {});
    return done;
  }

  /** Whether the item has its record, durable or about to be. */
  has(index: number): boolean {
    return this.#state.has(index);
  }

  /** Records so far, and `duplicates`: those refused since opening because their item had one already. */
  counts(): RecordCounts & { readonly duplicates: number } {
    return { ...this.#state.counts(), duplicates: this.#duplicates };
  }

  /** Ranges of items without a record, in order. */
  missing(): Generator<ItemRange> {
    return this.#state.missing();
  }

  /**
   * Reads the durable records of `count` items. Vectors go into `into` (`count * dimensions * 4` bytes or more,
   * 4-byte aligned) and are checked against their checksums; without `into` they are not read at all.
   */
  async read(start: number, count: number, into?: Uint8Array): Promise<StoredBlock> {
    try {
      const files = { ledger: this.#files.ledger, vectors: this.#files.vectors, log: this.#log };
      return await readStoredBlock(files, { start, count, dimensions: this.dimensions, into });
    } catch (error) {
      throw diskError(error, this.folder);
    }
  }

  /** Takes back durable records whose vectors turned out damaged: their items are missing from now on. */
  async forget(slots: readonly LedgerSlot[]): Promise<void> {
    this.#requireWhole();
    try {
      for (const slot of slots) {
        await this.#files.ledger.write([new Uint8Array(SLOT_BYTES)], slotPosition(slot.index));
      }
      await this.#files.ledger.sync();
    } catch (error) {
      throw this.#break(error);
    }
    for (const slot of slots) this.#state.remove(slot);
  }

  /** Makes what was written durable and closes the files. A store that failed before only closes. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#writing);
    try {
      if (this.#broken === undefined) await this.sync();
    } finally {
      await this.#syncing;
      this.#broken ??= new RunError(`the record store in ${this.folder} is closed`);
      await Promise.all(Object.values<DiskFile>({ ...this.#files }).map((file) => file.close()));
    }
  }

  #requireWhole(): void {
    if (this.#broken !== undefined) throw this.#broken;
  }

  #break(error: unknown): RunError {
    this.#broken ??= diskError(error, this.folder);
    return this.#broken;
  }

  /** Throws for a record that cannot be of this run, and returns the dimensions these records have. */
  #checkRecords(records: readonly ItemRecord[]): number {
    let { dimensions } = this.#state;
    for (const record of records) dimensions = checkRecord(record, this.#state.items, dimensions);
    return dimensions;
  }

  /** The records whose items had none; claiming before the first byte is written keeps a parallel call out. */
  #claim(records: readonly ItemRecord[]): ItemRecord[] {
    return records.filter(({ index, vector }) =>
      this.#state.claim(index, vector === undefined ? SLOT_FAILED : SLOT_OK),
    );
  }

  async #store(records: readonly ItemRecord[]): Promise<void> {
    const vectors: SlotBytes[] = [];
    const lines: PlannedWrite[] = [];
    const slots: LedgerSlot[] = [];
    for (const { index, attempts, tokens, vector, failure } of records) {
      if (vector !== undefined) {
        vectors.push({ index, bytes: vector });
        slots.push({ index, status: SLOT_OK, attempts, tokens, locator: crc32(vector) });
      } else if (failure !== undefined) {
        const { position, bytes } = this.#log.place(index, failure);
        lines.push({ position, buffers: [bytes] });
        slots.push({ index, status: SLOT_FAILED, attempts, tokens, locator: position });
      }
    }
    const { vectors: vectorFile, failures } = this.#files;
    const planned = planSlotWrites(vectors, this.#state.dimensions * 4, NPY_HEADER_BYTES);
    await Promise.all([
      ...planned.map(({ buffers, position }) => vectorFile.write(buffers, position)),
      ...lines.map(({ buffers, position }) => failures.write(buffers, position)),
    ]);
    this.#pending.push(...slots);
    for (const slot of slots) this.#state.add(slot);
  }

  async #syncOnce(): Promise<void> {
    this.#requireWhole();
    const slots = this.#pending;
    if (slots.length === 0) return;
    this.#pending = [];
    try {
      await this.#syncRecords(slots);
      await this.#syncHeader();
      for (const { buffers, position } of planLedgerWrites(slots)) {
        await this.#files.ledger.write(buffers, position);
      }
      await this.#files.ledger.sync();
    } catch (error) {
      throw this.#break(error);
    }
  }

  async #syncRecords(slots: readonly LedgerSlot[]): Promise<void> {
    const { vectors, failures } = this.#files;
    await Promise.all([
      slots.some((slot) => slot.status === SLOT_OK) ? vectors.sync() : undefined,
      slots.some((slot) => slot.status === SLOT_FAILED) ? failures.sync() : undefined,
    ]);
  }

  /** Dimensions that only the first vector told must be on disk before a slot that relies on them. */
  async #syncHeader(): Promise<void> {
    const { items, dimensions } = this.#state;
    if (this.#headerDimensions === dimensions) return;
    await this.#files.ledger.write([encodeLedgerHeader({ items, dimensions })], 0);
    await this.#files.ledger.sync();
    this.#headerDimensions = dimensions;
  }
}
