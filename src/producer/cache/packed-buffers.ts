/** Buffers in one piece, because moving one to another thread is cheaper than moving many. */
export interface PackedBuffers {
  /** Every buffer starts at a multiple of 4 bytes, so that vectors in it can be read as float32. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** -1 for an absent buffer. */
  readonly lengths: readonly number[];
}

const ALIGNMENT = 4;

export function packBuffers(buffers: readonly (Buffer | undefined)[]): PackedBuffers {
  const lengths = buffers.map((buffer) => buffer?.length ?? -1);
  const bytes = new Uint8Array(lengths.reduce((sum, length) => sum + align(length), 0));
  let at = 0;
  for (const buffer of buffers) {
    if (!buffer) continue;
    bytes.set(buffer, at);
    at += align(buffer.length);
  }
  return { bytes, lengths };
}

/** Copies nothing. */
export function unpackBuffers({ bytes, lengths }: PackedBuffers): (Buffer | undefined)[] {
  let end = 0;
  return lengths.map((length) => {
    const at = end;
    end += align(length);
    return length < 0 ? undefined : Buffer.from(bytes.buffer, at, length);
  });
}

function align(length: number): number {
  return Math.ceil(Math.max(0, length) / ALIGNMENT) * ALIGNMENT;
}
