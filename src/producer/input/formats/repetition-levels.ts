/** The rows that start in a page, and whether its first value starts one. */
export interface RowStarts {
  readonly rows: number;
  readonly startsRow: boolean;
}

/**
 * Counts the rows that start in a decompressed data page of version 1: its values with repetition level 0. The levels come
 * first, after their length, as runs of equal levels and groups of eight bit-packed ones. Throws a RangeError for a page
 * that ends within them.
 */
export function countRowStarts(page: Uint8Array, values: number, maxRepetition: number): RowStarts {
  const bits = 32 - Math.clz32(maxRepetition);
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  const levelsEnd = 4 + view.getUint32(0, true);
  let at = 4;
  let rows = 0;
  let startsRow = false;
  for (let seen = 0; seen < values && at < levelsEnd; ) {
    let header = 0;
    for (let shift = 0, byte = 0x80; byte & 0x80; shift += 7) {
      byte = view.getUint8(at++);
      header += (byte & 0x7f) * 2 ** shift;
    }
    const isPacked = header % 2 === 1;
    const count = Math.min(values - seen, Math.floor(header / 2) * (isPacked ? 8 : 1));
    const isRowStart = (index: number) => {
      for (let bit = index * bits; bit < (index + 1) * bits; bit += 1)
        if ((view.getUint8(at + (bit >> 3)) >> (bit & 7)) & 1) return false;
      return true;
    };
    if (seen === 0 && count > 0) startsRow = isRowStart(0);
    if (!isPacked && isRowStart(0)) rows += count;
    for (let index = 0; isPacked && index < count; index += 1) if (isRowStart(index)) rows += 1;
    at += isPacked ? Math.floor(header / 2) * bits : Math.ceil(bits / 8);
    seen += count;
  }
  return { rows, startsRow };
}
