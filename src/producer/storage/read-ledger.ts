import { RunError } from "#src/core/failures/errors.ts";
import type { DiskFile } from "./disk.ts";
import {
  decodeLedgerHeader,
  decodeSlot,
  encodeLedgerHeader,
  type LayoutKind,
  LEDGER_HEADER_BYTES,
  type LedgerHeader,
  type LedgerSlot,
  SLOT_BYTES,
  SLOT_WORDS,
  slotPosition,
} from "./ledger-file.ts";
import type { DuplicateLookup } from "./ledger-store.ts";
import { StoreState } from "./store-state.ts";

/** 1 MiB of slots per read. */
const SLOTS_PER_READ = 65_536;
const MAX_ITEMS = 2 ** 31 - 1;

interface LedgerSource {
  readonly ledger: DiskFile;
  readonly folder: string;
  readonly items: number;
  readonly dimensions?: number;
  /** Layout of a new ledger; an existing one keeps its layout. Default: flat. */
  readonly layout?: LayoutKind;
  readonly duplicates?: DuplicateLookup;
  /** Returns whether the record of a slot is completely in its file. */
  readonly isKept: (slot: LedgerSlot, header: LedgerHeader) => boolean;
}

/**
 * Reads from the ledger which items have a record, or creates a new ledger. Clears slots that are torn or whose record is
 * not complete because its file was truncated; their items are missing again.
 */
export async function readLedger(source: LedgerSource): Promise<StoreState> {
  const header = await readHeader(source);
  const state = new StoreState(header, source.duplicates?.isDuplicate.bind(source.duplicates));
  const isKept = (slot: LedgerSlot) => source.isKept(slot, header);
  await readSlots(source.ledger, state, isKept);
  return state;
}

async function readHeader(source: LedgerSource): Promise<LedgerHeader> {
  const { ledger, folder, items, dimensions = 0, layout = "flat" } = source;
  if (!Number.isInteger(items) || items < 0 || items > MAX_ITEMS) {
    throw new RunError(`a run has 0 to ${MAX_ITEMS} items, not ${items}`);
  }
  const bytes = Buffer.alloc(LEDGER_HEADER_BYTES);
  const read = await ledger.read(bytes, 0);
  const header = decodeLedgerHeader(bytes.subarray(0, read));
  if (header === "foreign") {
    throw new RunError(
      `${folder}/ledger.bin is damaged or was written by another version`,
      "Use another output folder.",
    );
  }
  if (header === "absent") return await createLedger(ledger, { items, dimensions, layout });
  if (header.items !== items) {
    throw new RunError(
      `${folder} belongs to a run of ${header.items} items, but this run has ${items}`,
      "Use another output folder.",
    );
  }
  if (header.dimensions === 0 && dimensions > 0) return await createLedger(ledger, { ...header, dimensions });
  if (dimensions > 0 && header.dimensions !== dimensions) {
    throw new RunError(
      `${folder} contains vectors of ${header.dimensions} dimensions, but the vectors of this model have ${dimensions}`,
      "Use another output folder.",
    );
  }
  return header;
}

async function createLedger(ledger: DiskFile, header: LedgerHeader): Promise<LedgerHeader> {
  await ledger.write([encodeLedgerHeader(header)], 0);
  await ledger.sync();
  return header;
}

async function readSlots(ledger: DiskFile, state: StoreState, isKept: (slot: LedgerSlot) => boolean): Promise<void> {
  const words = new Uint32Array(Math.min(SLOTS_PER_READ, Math.max(state.items, 1)) * SLOT_WORDS);
  let hasCleared = false;
  for (let start = 0; start < state.items; start += SLOTS_PER_READ) {
    const count = Math.min(SLOTS_PER_READ, state.items - start);
    words.fill(0);
    const read = await ledger.read(new Uint8Array(words.buffer, 0, count * SLOT_BYTES), slotPosition(start));
    for (let i = 0; i < count && i * SLOT_BYTES < read; i += 1) {
      if (words[i * SLOT_WORDS] === 0) continue;
      const slot = decodeSlot(words, i * SLOT_WORDS, start + i);
      if (slot !== undefined && isKept(slot)) {
        state.claim(slot.index, slot.status);
        state.add(slot);
      } else {
        hasCleared = true;
        await ledger.write([new Uint8Array(SLOT_BYTES)], slotPosition(start + i));
      }
    }
    if (read < count * SLOT_BYTES) break;
  }
  // Must be durable before new writes: the line of a new failure may start where a cleared slot pointed.
  if (hasCleared) await ledger.sync();
}
