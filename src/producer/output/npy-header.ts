/**
 * Size of the NumPy header before the vectors. The vector file reserves these bytes, so that converting it to a NumPy
 * file means writing a header instead of copying gigabytes.
 */
export const NPY_HEADER_BYTES = 128;

const MAGIC = Buffer.from("\x93NUMPY\x01\x00", "latin1");
const SHAPE = /^\{'descr': '<f4', 'fortran_order': False, 'shape': \((\d+), (\d+)\), \} *\n$/;

/** Encodes a header of NumPy format 1.0: little-endian float32, C order, `items` rows of `dimensions` values. */
export function encodeNpyHeader(items: number, dimensions: number): Buffer {
  const bytes = Buffer.alloc(NPY_HEADER_BYTES, " ");
  MAGIC.copy(bytes);
  bytes.writeUInt16LE(NPY_HEADER_BYTES - MAGIC.length - 2, MAGIC.length);
  bytes.write(
    `{'descr': '<f4', 'fortran_order': False, 'shape': (${items}, ${dimensions}), }`,
    MAGIC.length + 2,
    "latin1",
  );
  bytes[NPY_HEADER_BYTES - 1] = 0x0a;
  return bytes;
}

/** Decodes a header that `encodeNpyHeader` wrote; returns undefined for any other header. */
export function decodeNpyHeader(bytes: Buffer): { items: number; dimensions: number } | undefined {
  if (bytes.length < NPY_HEADER_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const shape = SHAPE.exec(bytes.toString("latin1", MAGIC.length + 2, NPY_HEADER_BYTES));
  return shape === null ? undefined : { items: Number(shape[1]), dimensions: Number(shape[2]) };
}
