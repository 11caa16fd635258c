import { crc32 } from "node:zlib";
import { createVectorLayout, type VectorLayout } from "#src/producer/output/vector-layout.ts";
import { type Disk, type DiskFile, requireLittleEndian, systemDisk, toDiskError } from "./disk.ts";
import { FAILURE_FILE, FailureLog } from "./failure-log.ts";
import { checkRecord, type ItemRecord } from "./item-record.ts";
import {
  encodeLedgerHeader,
  type LayoutKind,
  LEDGER_FILE,
  type LedgerSlot,
  SLOT_FAILED,
  SLOT_OK,
} from "./ledger-file.ts";
import { type DuplicateLookup, LedgerStore, type RecordBackend, type RunStore } from "./ledger-store.ts";
import { openFiles } from "./open-files.ts";
import { type PlacedBytes, type PlannedWrite, planWrites } from "./plan-writes.ts";
import { readLedger } from "./read-ledger.ts";
import type { ItemRange, RecordCounts, StoreState } from "./store-state.ts";
import { readStoredBlock, type StoredBlock } from "./stored-block.ts";

export const VECTOR_FILE = "vectors.f32";

export interface VectorStoreOptions {
  /** Items of the run; opening a store with another number of items fails. */
  readonly items: number;
  /** Floats per vector; by default those of the first vector. */
  readonly dimensions?: number;
  /** Layout of the vectors of a new store; an existing one keeps its layout. Default: flat. */
  readonly layout?: LayoutKind;
  readonly duplicates?: DuplicateLookup;
  readonly disk?: Disk;
}

interface StoreFiles {
  readonly vectors: DiskFile;
  readonly ledger: DiskFile;
  readonly failures: DiskFile;
}

/**
 * Opens or creates the store of a run in `dir/.work`. It contains all records that were durable; records that a kill or
 * power failure left incomplete are missing. Only one process at a time may open a store.
 */
export async function openVectorStore(dir: string, options: VectorStoreOptions): Promise<VectorStore> {
  requireLittleEndian();
  const disk = options.disk ?? systemDisk;
  return await openFiles(dir, disk, async (open, folder) => {
    const files = {
      vectors: await open(VECTOR_FILE),
      ledger: await open(LEDGER_FILE),
      failures: await open(FAILURE_FILE),
    };
    const log = await FailureLog.open(files.failures);
    const vectorsEnd = await files.vectors.size();
    let layout: VectorLayout | undefined;
    const state = await readLedger({
      ledger: files.ledger,
      folder,
      ...options,
      isKept: (slot, header) => {
        if (slot.status !== SLOT_OK) return slot.locator < log.endBytes;
        layout ??= createVectorLayout(header);
        const { dimensions } = header;
        return dimensions > 0 && layout.position(slot.index) + dimensions * 4 <= vectorsEnd;
      },
    });
    const store = new VectorStore({ folder, disk, files, log, state, duplicates: options.duplicates });
    await store.completeDuplicates();
    return store;
  });
}

interface RecordStoreDeps {
  readonly folder: string;
  readonly disk: Disk;
  readonly files: StoreFiles;
  readonly log: FailureLog;
  readonly state: StoreState;
  readonly duplicates?: DuplicateLookup;
}

/** The vectors and failures of one run on disk. `LedgerStore` explains when they become durable. */
export class VectorStore implements RunStore<ItemRecord> {
  readonly folder: string;
  readonly disk: Disk;
  readonly #files: StoreFiles;
  readonly #log: FailureLog;
  readonly #state: StoreState;
  readonly #backend: VectorBackend;
  readonly #slots: LedgerStore<ItemRecord>;

  readonly duplicates: DuplicateLookup | undefined;
  /** Whether some records were written by an earlier process, which may have been killed. */
  readonly isResumed: boolean;

  constructor({ folder, disk, files, log, state, duplicates }: RecordStoreDeps) {
    const { items, missing } = state.counts();
    this.isResumed = missing < items;
    this.folder = folder;
    this.disk = disk;
    this.duplicates = duplicates;
    this.#files = files;
    this.#log = log;
    this.#state = state;
    const backend = new VectorBackend(files, log, state);
    this.#backend = backend;
    this.#slots = new LedgerStore({
      folder,
      ledger: files.ledger,
      state,
      backend,
      duplicates,
    });
  }

  get items(): number {
    return this.#state.items;
  }

  /** Floats per vector; 0 while neither the options nor a vector determine them. */
  get dimensions(): number {
    return this.#state.dimensions;
  }

  /** Positions of the vectors; meaningless while `dimensions` is 0. */
  get layout(): VectorLayout {
    return this.#backend.layout;
  }

  /** The vector file: `dimensions * 4` bytes per item, at the positions of the layout. */
  get vectorFile(): DiskFile {
    return this.#files.vectors;
  }

  /**
   * Stores records; the first record of an item wins, and later ones are counted in `alreadyStored`. Resolves when the
   * operating system has accepted the bytes, which are durable only after `sync`. Buffers must stay untouched until
   * then. A record that cannot belong to this run (index, vector length) rejects before any record is stored.
   */
  write(records: readonly ItemRecord[]): Promise<{ stored: number; alreadyStored: number }> {
    return this.#slots.write(records);
  }

  sync(): Promise<void> {
    return this.#slots.sync();
  }

  completeDuplicates(): Promise<void> {
    return this.#slots.completeDuplicates();
  }

  has(index: number): boolean {
    return this.#state.has(index);
  }

  /** Counts records, and in `alreadyStored` those discarded since opening because their item had a record. */
  counts(): RecordCounts & { readonly alreadyStored: number } {
    return this.#slots.counts();
  }

  missing(): Generator<ItemRange> {
    return this.#state.missing();
  }

  /**
   * Reads the durable records of `count` items. Reads the vectors into `into` (at least `count * dimensions * 4` bytes,
   * 4-byte aligned) and verifies their checksums; without `into` it does not read them.
   */
  async read(start: number, count: number, into?: Uint8Array): Promise<StoredBlock> {
    try {
      const files = { ledger: this.#files.ledger, vectors: this.#files.vectors, log: this.#log };
      const { dimensions, layout } = this;
      return await readStoredBlock(files, { start, count, dimensions, layout, into });
    } catch (error) {
      throw toDiskError(error, this.folder);
    }
  }

  /** Removes durable records whose vectors are damaged; their items are missing from now on. */
  forget(slots: readonly LedgerSlot[]): Promise<void> {
    return this.#slots.forget(slots);
  }

  /** Makes all records durable and closes the files. After a failure it only closes the files. */
  close(): Promise<void> {
    return this.#slots.close();
  }
}

/** Stores vectors in fixed slots of one file, and failures in a log. */
class VectorBackend implements RecordBackend<ItemRecord> {
  readonly #files: StoreFiles;
  readonly #log: FailureLog;
  readonly #state: StoreState;
  /** The dimensions in the ledger's header on disk. */
  #headerDimensions: number;
  #layout: VectorLayout;

  constructor(files: StoreFiles, log: FailureLog, state: StoreState) {
    this.#files = files;
    this.#log = log;
    this.#state = state;
    this.#headerDimensions = state.dimensions;
    this.#layout = createVectorLayout(state);
  }

  get layout(): VectorLayout {
    return this.#layout;
  }

  get files(): readonly DiskFile[] {
    return [this.#files.vectors, this.#files.failures];
  }

  check(records: readonly ItemRecord[]): void {
    let { dimensions } = this.#state;
    for (const record of records) dimensions = checkRecord(record, this.#state.items, dimensions);
  }

  isFailure({ vector }: ItemRecord): boolean {
    return vector === undefined;
  }

  async put(records: readonly ItemRecord[]): Promise<LedgerSlot[]> {
    const vectors: PlacedBytes[] = [];
    const lines: PlannedWrite[] = [];
    const slots: LedgerSlot[] = [];
    for (const { index, attempts, tokens, vector, failure } of records) {
      if (vector !== undefined) {
        this.#recordDimensions(vector.length / 4);
        vectors.push(...this.#layout.place(index, vector));
        slots.push({ index, status: SLOT_OK, attempts, tokens, locator: crc32(vector) });
      } else if (failure !== undefined) {
        const { position, bytes } = this.#log.place(index, failure);
        lines.push({ position, buffers: [bytes] });
        slots.push({ index, status: SLOT_FAILED, attempts, tokens, locator: position });
      }
    }
    const { vectors: vectorFile, failures } = this.#files;
    const planned = planWrites(vectors);
    await Promise.all([
      ...planned.map(({ buffers, position }) => vectorFile.write(buffers, position)),
      ...lines.map(({ buffers, position }) => failures.write(buffers, position)),
    ]);
    return slots;
  }

  async sync(slots: readonly LedgerSlot[]): Promise<void> {
    const { vectors, failures } = this.#files;
    await Promise.all([
      slots.some((slot) => slot.status === SLOT_OK) ? vectors.sync() : undefined,
      slots.some((slot) => slot.status === SLOT_FAILED) ? failures.sync() : undefined,
    ]);
    await this.#syncHeader();
  }

  async get(index: number): Promise<{ record: ItemRecord } | { damaged: LedgerSlot }> {
    const { ledger, vectors } = this.#files;
    const { dimensions } = this.#state;
    const into = new Uint8Array(dimensions * 4);
    const files = { ledger, vectors, log: this.#log };
    const { layout } = this;
    const block = await readStoredBlock(files, { start: index, count: 1, dimensions, layout, into });
    const [damaged] = block.damaged;
    if (damaged) return { damaged };
    const failure = block.failures.get(index);
    const { attempts = 0, tokens = 0 } = block.slots[0] ?? {};
    const vector = failure ? undefined : Buffer.from(into.buffer);
    return { record: { index, attempts, tokens, vector, failure } };
  }

  #recordDimensions(dimensions: number): void {
    if (this.#state.dimensions === dimensions) return;
    this.#state.dimensions = dimensions;
    this.#layout = createVectorLayout(this.#state);
  }

  /** Dimensions that the first vector determines must be durable before a slot that depends on them. */
  async #syncHeader(): Promise<void> {
    const { dimensions } = this.#state;
    if (this.#headerDimensions === dimensions) return;
    await this.#files.ledger.write([encodeLedgerHeader(this.#state)], 0);
    await this.#files.ledger.sync();
    this.#headerDimensions = dimensions;
  }
}
