import { encodeSlot, type LedgerSlot, SLOT_BYTES, SLOT_WORDS, slotPosition } from "./ledger-file.ts";

/** One write call: consecutive buffers from `position` on. */
export interface PlannedWrite {
  readonly position: number;
  readonly buffers: Uint8Array[];
}

/** Bytes for the fixed slot of item `index`. */
export interface SlotBytes {
  readonly index: number;
  readonly bytes: Uint8Array;
}

/**
 * Merges slots of consecutive indices into one write each, without copying. Buffers that are adjacent in memory (records
 * of one Redis reply) become one view. Indices must be distinct.
 */
export function planSlotWrites(
  slots: readonly SlotBytes[],
  slotSizeBytes: number,
  offsetBytes: number,
): PlannedWrite[] {
  return planWrites(slots.map(({ index, bytes }) => ({ position: offsetBytes + index * slotSizeBytes, bytes })));
}

/** Bytes and their position in a file. */
export interface PlacedBytes {
  readonly position: number;
  readonly bytes: Uint8Array;
}

/** Like `planSlotWrites`, for bytes at any positions that do not overlap. */
export function planWrites(parts: readonly PlacedBytes[]): PlannedWrite[] {
  const writes: PlannedWrite[] = [];
  let end = Number.NaN;
  let current: PlannedWrite | undefined;
  for (const { position, bytes } of parts.toSorted((a, b) => a.position - b.position)) {
    if (current === undefined || position !== end) {
      current = { position, buffers: [bytes] };
      writes.push(current);
    } else appendAdjacent(current.buffers, bytes);
    end = position + bytes.byteLength;
  }
  return writes;
}

function appendAdjacent(buffers: Uint8Array[], bytes: Uint8Array): void {
  const last = buffers.at(-1);
  if (last !== undefined && last.buffer === bytes.buffer && last.byteOffset + last.byteLength === bytes.byteOffset) {
    const joined = new Uint8Array(last.buffer, last.byteOffset, last.byteLength + bytes.byteLength);
    buffers[buffers.length - 1] = joined;
  } else buffers.push(bytes);
}

/** Plans the writes of ledger slots; slots of adjacent items are merged. */
export function planLedgerWrites(slots: readonly LedgerSlot[]): PlannedWrite[] {
  const ordered = slots.toSorted((a, b) => a.index - b.index);
  const words = new Uint32Array(ordered.length * SLOT_WORDS);
  const parts = ordered.map((slot, i): SlotBytes => {
    encodeSlot(words, i * SLOT_WORDS, slot);
    return { index: slot.index, bytes: new Uint8Array(words.buffer, i * SLOT_BYTES, SLOT_BYTES) };
  });
  return planSlotWrites(parts, SLOT_BYTES, slotPosition(0));
}
