import { RunError } from "#src/core/failures/errors.ts";
import type { Failure } from "#src/core/item.ts";
import { recordUsage } from "#src/state/record-format/record-usage.ts";
import { ANSWER_FILE, AnswerLog } from "./answer-log.ts";
import { type Disk, type DiskFile, systemDisk, toDiskError } from "./disk.ts";
import { FAILURE_FILE, FailureLog } from "./failure-log.ts";
import { checkCounts } from "./item-record.ts";
import {
  decodeSlot,
  LEDGER_FILE,
  type LedgerSlot,
  SLOT_BYTES,
  SLOT_FAILED,
  SLOT_OK,
  SLOT_WORDS,
  slotPosition,
} from "./ledger-file.ts";
import { type DuplicateLookup, LedgerStore, type RecordBackend, type RunStore } from "./ledger-store.ts";
import { openFiles } from "./open-files.ts";
import { readLedger } from "./read-ledger.ts";
import { type ItemRange, isReused, type RecordCounts, type StoreState } from "./store-state.ts";

/** The outcome of an item whose result is JSON: exactly one of result and failure. */
export interface JsonRecord {
  readonly index: number;
  readonly attempts: number;
  readonly tokens: number;
  readonly json?: unknown;
  readonly failure?: Failure;
}

/** A stored record. It has neither answer nor failure if the record on disk is damaged. */
export interface StoredJsonRecord {
  readonly slot: LedgerSlot;
  readonly answer?: { readonly json: unknown; readonly storedAt: number };
  readonly failure?: Failure;
}

export interface AnswerStoreOptions {
  /** Items of the run; opening a store with another number of items fails. */
  readonly items: number;
  /** Returns epoch ms, for the times of records. */
  readonly now: () => number;
  readonly duplicates?: DuplicateLookup;
  readonly disk?: Disk;
}

interface StoreFiles {
  readonly answers: DiskFile;
  readonly ledger: DiskFile;
  readonly failures: DiskFile;
}

/**
 * Opens or creates the store of a run in `dir/.work`. It contains all records that were durable; records that a kill or
 * power failure left incomplete are missing. Only one process at a time may open a store.
 */
export async function openAnswerStore(dir: string, options: AnswerStoreOptions): Promise<AnswerStore> {
  const { disk = systemDisk, items, now, duplicates } = options;
  return await openFiles(dir, disk, async (open, folder) => {
    const files = {
      answers: await open(ANSWER_FILE),
      ledger: await open(LEDGER_FILE),
      failures: await open(FAILURE_FILE),
    };
    const [answers, failures] = [await AnswerLog.open(files.answers), await FailureLog.open(files.failures)];
    let last: LedgerSlot | undefined;
    const isKept = (slot: LedgerSlot) => {
      if (slot.status === SLOT_FAILED) return slot.locator < failures.endBytes;
      if (slot.locator >= answers.endBytes) return false;
      if (last === undefined || slot.locator > last.locator) last = slot;
      return true;
    };
    const state = await readLedger({ ledger: files.ledger, folder, items, isKept, duplicates });
    const store = new AnswerStore({ folder, disk, files, answers, failures, state, now, duplicates });
    // If the file was truncated, only the last answer can be incomplete.
    if (last && !(await answers.read(last.index, last.locator))) await store.forget([last]);
    state.reusedOutputTokens = await countReusedOutputTokens(state, files.ledger, answers);
    await store.completeDuplicates();
    return store;
  });
}

/** 1 MiB of slots per read. */
const SLOTS_PER_READ = 65_536;

/** Sums the output tokens of reused results. The ledger has only the total; the answers contain the output tokens. */
async function countReusedOutputTokens(state: StoreState, ledger: DiskFile, answers: AnswerLog): Promise<number> {
  const { duplicates, cached } = state.counts().reused;
  if (duplicates + cached === 0) return 0;
  let sum = 0;
  for (let start = 0; start < state.items; start += SLOTS_PER_READ) {
    const count = Math.min(SLOTS_PER_READ, state.items - start);
    const words = new Uint32Array(count * SLOT_WORDS);
    await ledger.read(new Uint8Array(words.buffer), slotPosition(start));
    for (let i = 0; i < count; i += 1) {
      const slot = decodeSlot(words, i * SLOT_WORDS, start + i);
      if (!slot || !isReused(slot)) continue;
      const { json } = (await answers.read(slot.index, slot.locator)) ?? {};
      sum += recordUsage({ ...slot, json }).output;
    }
  }
  return sum;
}

interface JsonStoreDeps {
  readonly folder: string;
  readonly disk: Disk;
  readonly files: StoreFiles;
  readonly answers: AnswerLog;
  readonly failures: FailureLog;
  readonly state: StoreState;
  readonly now: () => number;
  readonly duplicates?: DuplicateLookup;
}

/** The JSON results and failures of one run on disk. `LedgerStore` explains when they become durable. */
export class AnswerStore implements RunStore<JsonRecord> {
  readonly folder: string;
  readonly disk: Disk;
  readonly #deps: JsonStoreDeps;
  readonly #slots: LedgerStore<JsonRecord>;

  readonly duplicates: DuplicateLookup | undefined;

  constructor(deps: JsonStoreDeps) {
    this.folder = deps.folder;
    this.disk = deps.disk;
    this.duplicates = deps.duplicates;
    this.#deps = deps;
    this.#slots = new LedgerStore({
      folder: deps.folder,
      ledger: deps.files.ledger,
      state: deps.state,
      backend: createJsonBackend(deps, (index) => this.#get(index)),
      duplicates: deps.duplicates,
    });
  }

  get items(): number {
    return this.#deps.state.items;
  }

  /** Like `RecordStore.write`: the first record of an item wins, and an invalid record rejects the whole call. */
  write(records: readonly JsonRecord[]): Promise<{ stored: number; alreadyStored: number }> {
    return this.#slots.write(records);
  }

  sync(): Promise<void> {
    return this.#slots.sync();
  }

  completeDuplicates(): Promise<void> {
    return this.#slots.completeDuplicates();
  }

  has(index: number): boolean {
    return this.#deps.state.has(index);
  }

  counts(): RecordCounts & { readonly alreadyStored: number } {
    return this.#slots.counts();
  }

  missing(): Generator<ItemRange> {
    return this.#deps.state.missing();
  }

  /** Reads the durable records of `count` items, in order. Rejects with a RunError if an item has no record. */
  async read(start: number, count: number): Promise<StoredJsonRecord[]> {
    const { files, answers, failures, folder } = this.#deps;
    try {
      const words = new Uint32Array(count * SLOT_WORDS);
      await files.ledger.read(new Uint8Array(words.buffer, 0, count * SLOT_BYTES), slotPosition(start));
      const stored: StoredJsonRecord[] = [];
      for (let i = 0; i < count; i += 1) {
        const slot = decodeSlot(words, i * SLOT_WORDS, start + i);
        if (slot === undefined) throw new RunError(`item ${start + i} has no record yet`);
        const answer = slot.status === SLOT_OK ? await answers.read(slot.index, slot.locator) : undefined;
        const failure = slot.status === SLOT_FAILED ? await failures.read(slot.index, slot.locator) : undefined;
        stored.push({ slot, answer, failure });
      }
      return stored;
    } catch (error) {
      throw toDiskError(error, folder);
    }
  }

  async #get(index: number): Promise<{ record: JsonRecord } | { damaged: LedgerSlot }> {
    const [stored] = await this.read(index, 1);
    if (!stored) throw new RangeError(`item ${index} has no record yet`);
    const { slot, answer, failure } = stored;
    if (!answer && !failure) return { damaged: slot };
    const { attempts, tokens } = slot;
    return { record: { index, attempts, tokens, json: answer?.json, failure } };
  }

  /** Removes durable records that are damaged; their items are missing from now on. */
  forget(slots: readonly LedgerSlot[]): Promise<void> {
    return this.#slots.forget(slots);
  }

  /** Makes all records durable and closes the files. After a failure it only closes the files. */
  close(): Promise<void> {
    return this.#slots.close();
  }
}

/** Stores answers and failures in one log each; the ledger slot contains the position. */
function createJsonBackend(
  { files, answers, failures, state, now }: JsonStoreDeps,
  get: RecordBackend<JsonRecord>["get"],
): RecordBackend<JsonRecord> {
  return {
    get,
    files: [files.answers, files.failures],
    check: (records) => {
      for (const record of records) checkCounts(record, state.items);
    },
    isFailure: (record) => record.failure !== undefined,
    put: async (records) => {
      const slots: LedgerSlot[] = [];
      const [answered, failed]: [ReservedBytes[], ReservedBytes[]] = [[], []];
      const storedAt = Math.floor(now() / 1000);
      for (const { index, attempts, tokens, json, failure } of records) {
        const placed = failure ? failures.place(index, failure) : answers.place(index, json, storedAt);
        (failure ? failed : answered).push(placed);
        const status = failure ? SLOT_FAILED : SLOT_OK;
        slots.push({ index, status, attempts, tokens, locator: placed.position });
        if (!failure && attempts === 0)
          state.reusedOutputTokens += recordUsage({ index, attempts, tokens, json }).output;
      }
      await Promise.all([append(files.answers, answered), append(files.failures, failed)]);
      return slots;
    },
    sync: async (slots) => {
      await Promise.all([
        slots.some((slot) => slot.status === SLOT_OK) ? files.answers.sync() : undefined,
        slots.some((slot) => slot.status === SLOT_FAILED) ? files.failures.sync() : undefined,
      ]);
    },
  };
}

interface ReservedBytes {
  readonly position: number;
  readonly bytes: Buffer;
}

/** Writes bytes whose space was reserved in one step, and which are therefore adjacent, with one write. */
async function append(file: DiskFile, placed: readonly ReservedBytes[]): Promise<void> {
  const [first] = placed;
  if (first)
    await file.write(
      placed.map(({ bytes }) => bytes),
      first.position,
    );
}
