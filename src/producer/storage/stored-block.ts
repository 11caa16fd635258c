import { crc32 } from "node:zlib";
import { RunError } from "#src/core/failures/errors.ts";
import type { Failure } from "#src/core/item.ts";
import type { VectorLayout } from "#src/producer/output/vector-layout.ts";
import type { DiskFile } from "./disk.ts";
import type { FailureLog } from "./failure-log.ts";
import {
  decodeSlot,
  type LedgerSlot,
  SLOT_BYTES,
  SLOT_FAILED,
  SLOT_OK,
  SLOT_WORDS,
  slotPosition,
} from "./ledger-file.ts";

/** Records of consecutive items on disk. */
export interface StoredBlock {
  readonly start: number;
  /** One per item, in order. */
  readonly slots: readonly LedgerSlot[];
  /** `slots.length * dimensions` floats; undefined contents for failed items. Empty when vectors were not requested. */
  readonly vectors: Float32Array;
  /** The failures of the block by item index. */
  readonly failures: ReadonlyMap<number, Failure>;
  /** Slots whose vector does not match its checksum. */
  readonly damaged: readonly LedgerSlot[];
}

interface StoredFiles {
  readonly ledger: DiskFile;
  readonly vectors: DiskFile;
  readonly log: FailureLog;
}

interface BlockRange {
  readonly start: number;
  readonly count: number;
  readonly dimensions: number;
  readonly layout: VectorLayout;
  readonly into: Uint8Array | undefined;
}

/** Reads the records of a range. Rejects with a RunError that names the first item without a record. */
export async function readStoredBlock(files: StoredFiles, range: BlockRange): Promise<StoredBlock> {
  const slots = await readSlots(files.ledger, range);
  const failures = new Map<number, Failure>();
  for (const slot of slots) {
    if (slot.status !== SLOT_FAILED) continue;
    const failure = await files.log.read(slot.index, slot.locator);
    if (failure === undefined) throw new RunError(`the failure of item ${slot.index} cannot be read back`);
    failures.set(slot.index, failure);
  }
  const { start, into } = range;
  if (into === undefined) return { start, slots, vectors: new Float32Array(), failures, damaged: [] };
  const slotSize = range.dimensions * 4;
  const bytes = into.subarray(0, range.count * slotSize);
  const end = start + range.count;
  for (let index = start; index < end; ) {
    const stop = Math.min(range.layout.findContiguousEnd(index), end);
    const part = bytes.subarray((index - start) * slotSize, (stop - start) * slotSize);
    await files.vectors.read(part, range.layout.position(index));
    index = stop;
  }
  const damaged = slots.filter(({ index, status, locator }) => {
    const at = (index - start) * slotSize;
    return status === SLOT_OK && crc32(bytes.subarray(at, at + slotSize)) !== locator;
  });
  const vectors = new Float32Array(bytes.buffer, bytes.byteOffset, range.count * range.dimensions);
  return { start, slots, vectors, failures, damaged };
}

async function readSlots(ledger: DiskFile, { start, count }: BlockRange): Promise<LedgerSlot[]> {
  const words = new Uint32Array(count * SLOT_WORDS);
  await ledger.read(new Uint8Array(words.buffer, 0, count * SLOT_BYTES), slotPosition(start));
  return Array.from({ length: count }, (_, i) => {
    const slot = decodeSlot(words, i * SLOT_WORDS, start + i);
    if (slot === undefined) throw new RunError(`item ${start + i} has no record yet`);
    return slot;
  });
}
