export const LEDGER_FILE = "ledger.bin";

/**
 * The ledger's layout: a header of 64 bytes, then one slot of 16 bytes per item, little-endian. Slots are aligned and
 * do not cross disk sectors, so each is written completely or not at all.
 *
 *   header  0 magic (8)   8 version u32   12 items u32   16 dimensions u32 (0: unknown)   20 check u32
 *           24 layout of the vectors u32 (0 flat, 1 pages)
 *   slot    0 status u8   1 locator bits 32-39 u8   2 attempts u16   4 tokens u32   8 locator bits 0-31 u32
 *           12 check u32 (of the item's index and the bytes before it)
 *
 * The locator of a vector is its CRC-32, that of a failure its byte position in the failure log.
 */
export const LEDGER_HEADER_BYTES = 64;
export const SLOT_BYTES = 16;
export const SLOT_WORDS = SLOT_BYTES / 4;

export const SLOT_NONE = 0;
export const SLOT_OK = 1;
export const SLOT_FAILED = 2;

const MAGIC = Buffer.from("SLUICELG", "latin1");
const VERSION = 1;
const LOW_BITS = 2 ** 32;

export const MAX_ATTEMPTS = 0xffff;
/** Limit of a signed 32-bit column of the output. */
export const MAX_TOKENS = 0x7fff_ffff;

/** A layout is stored as its position in this list; see `VectorLayout`. */
const LAYOUTS = ["flat", "pages"] as const;

/** Layout of the vectors in their file. */
export type LayoutKind = (typeof LAYOUTS)[number];

export interface LedgerHeader {
  readonly items: number;
  /** Floats per vector; 0 before the first vector. */
  readonly dimensions: number;
  readonly layout: LayoutKind;
}

export interface LedgerSlot {
  readonly index: number;
  readonly status: number;
  readonly attempts: number;
  readonly tokens: number;
  readonly locator: number;
}

export function encodeLedgerHeader(header: LedgerHeader): Buffer {
  const bytes = Buffer.alloc(LEDGER_HEADER_BYTES);
  MAGIC.copy(bytes);
  bytes.writeUInt32LE(VERSION, 8);
  bytes.writeUInt32LE(header.items, 12);
  bytes.writeUInt32LE(header.dimensions, 16);
  const layout = LAYOUTS.indexOf(header.layout);
  bytes.writeUInt32LE(computeChecksum(VERSION, header.items, header.dimensions, layout), 20);
  bytes.writeUInt32LE(layout, 24);
  return bytes;
}

/**
 * Decodes a header. `"absent"`: the file is too short or the header was never written, so there are no records.
 * `"foreign"`: not a ledger of this version, or damaged.
 */
export function decodeLedgerHeader(bytes: Buffer): LedgerHeader | "absent" | "foreign" {
  if (bytes.length < LEDGER_HEADER_BYTES || bytes.every((byte) => byte === 0)) return "absent";
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC) || bytes.readUInt32LE(8) !== VERSION) return "foreign";
  const items = bytes.readUInt32LE(12);
  const dimensions = bytes.readUInt32LE(16);
  const number = bytes.readUInt32LE(24);
  const layout = LAYOUTS[number];
  if (bytes.readUInt32LE(20) !== computeChecksum(VERSION, items, dimensions, number)) return "foreign";
  return layout === undefined ? "foreign" : { items, dimensions, layout };
}

/** Encodes a slot into words `at` to `at + 3` of a little-endian buffer of slots. */
export function encodeSlot(words: Uint32Array, at: number, slot: LedgerSlot): void {
  const high = Math.floor(slot.locator / LOW_BITS);
  const first = (slot.status | (high << 8) | (slot.attempts << 16)) >>> 0;
  const low = slot.locator % LOW_BITS;
  words[at] = first;
  words[at + 1] = slot.tokens;
  words[at + 2] = low;
  words[at + 3] = computeChecksum(slot.index, first, slot.tokens, low);
}

/** Decodes the slot of item `index` from words `at` to `at + 3`; undefined if it is empty, torn or of another item. */
export function decodeSlot(words: Uint32Array, at: number, index: number): LedgerSlot | undefined {
  const first = words[at] ?? 0;
  const status = first & 0xff;
  if (status !== SLOT_OK && status !== SLOT_FAILED) return undefined;
  const tokens = words[at + 1] ?? 0;
  const low = words[at + 2] ?? 0;
  if (words[at + 3] !== computeChecksum(index, first, tokens, low)) return undefined;
  return { index, status, attempts: first >>> 16, tokens, locator: ((first >>> 8) & 0xff) * LOW_BITS + low };
}

/** Returns the byte position of the slot of an item in the file. */
export function slotPosition(index: number): number {
  return LEDGER_HEADER_BYTES + index * SLOT_BYTES;
}

/** A 32-bit hash that detects torn, moved or foreign slots; a CRC call per 16 bytes would cost 30 times more. */
function computeChecksum(a: number, b: number, c: number, d: number): number {
  let hash = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15) ^ b, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 13) ^ c, 0x27d4eb2f);
  hash = Math.imul(hash ^ (hash >>> 16) ^ d, 0x165667b1);
  return (hash ^ (hash >>> 15)) >>> 0;
}
