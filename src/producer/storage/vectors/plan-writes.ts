/** One write call: consecutive buffers from `position` on. */
export interface PlannedWrite {
  readonly position: number;
  readonly buffers: Uint8Array[];
}

/** Bytes and their position in a file. */
export interface PlacedBytes {
  readonly position: number;
  readonly bytes: Uint8Array;
}

/**
 * Merges bytes at adjacent positions into one write each, without copying. Buffers that are adjacent in memory (records of
 * one Redis reply) become one view. Positions must not overlap.
 */
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
