import { encodeSlot, type LedgerSlot, SLOT_BYTES, SLOT_WORDS, slotPosition } from "./ledger.ts";

/** One write call: buffers that lie one after another from `position` on. */
export interface PlannedWrite {
  readonly position: number;
  readonly buffers: Uint8Array[];
}

/** Bytes that belong to the fixed slot of item `index`. */
export interface SlotBytes {
  readonly index: number;
  readonly bytes: Uint8Array;
}

/**
 * Merges slots of consecutive indices into one write each, without copying a byte. Buffers that already lie side by
 * side in memory (records of one Redis reply) become one view. Indices must be distinct.
 */
export function planSlotWrites(
  slots: readonly SlotBytes[],
  slotSizeBytes: number,
  offsetBytes: number,
): PlannedWrite[] {
  return planWrites(slots, (index) => offsetBytes + index * slotSizeBytes);
}

/** As `planSlotWrites`, for slots that lie in the order of their indices, side by side or with gaps in between. */
export function planWrites(
  slots: readonly SlotBytes[],
  positionOf: (index: number) => number,
): PlannedWrite[] {
  const ordered = slots.toSorted((a, b) => a.index - b.index);
  const writes: PlannedWrite[] = [];
  let end = Number.NaN;
  let current: PlannedWrite | undefined;
  for (const { index, bytes } of ordered) {
    const position = positionOf(index);
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
  if (
    last !== undefined &&
    last.buffer === bytes.buffer &&
    last.byteOffset + last.byteLength === bytes.byteOffset
  ) {
    const joined = new Uint8Array(last.buffer, last.byteOffset, last.byteLength + bytes.byteLength);
    buffers[buffers.length - 1] = joined;
  } else buffers.push(bytes);
}

/** The writes that put ledger slots in their places, few when the slots are of neighbouring items. */
export function planLedgerWrites(slots: readonly LedgerSlot[]): PlannedWrite[] {
  const ordered = slots.toSorted((a, b) => a.index - b.index);
  const words = new Uint32Array(ordered.length * SLOT_WORDS);
  const parts = ordered.map((slot, i): SlotBytes => {
    encodeSlot(words, i * SLOT_WORDS, slot);
    return { index: slot.index, bytes: new Uint8Array(words.buffer, i * SLOT_BYTES, SLOT_BYTES) };
  });
  return planSlotWrites(parts, SLOT_BYTES, slotPosition(0));
}
