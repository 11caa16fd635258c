import { hash } from "node:crypto";
import { crc32 } from "node:zlib";

/**
 * What is recorded of a row of an output: a record with its vector, or a line of a batch file. `sluice verify` compares
 * it with the row that it finds; docs/verify.md specifies it.
 */
export interface RowDigest {
  readonly id: string;
  readonly isOk: boolean;
  /** First seven bytes of the SHA-256 of the row's text as UTF-8, as 14 hexadecimal digits. */
  readonly text: string;
  /** CRC-32 of the row's fields; see `computeFieldsChecksum`. */
  readonly fields: number;
  /** CRC-32 of the vector as little-endian float32, or of the line with the answer or the error. */
  readonly result: number;
}

/** The fields of a record that have no digest of their own. */
export interface DigestedFields {
  readonly index: number;
  readonly tokens: number;
  readonly attempts: number;
  /** Undefined if the item has none or the output is written without it. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}

const TEXT_DIGITS = 14;

export function computeTextDigest(text: string): string {
  return hash("sha256", text).slice(0, TEXT_DIGITS);
}

export function computeFieldsChecksum({ index, tokens, attempts, metadata }: DigestedFields): number {
  return crc32(`${index}\n${tokens}\n${attempts}\n${metadata === undefined ? "" : JSON.stringify(metadata)}`);
}

/**
 * `digests.bin`: "SLUICERD", version u32, rows per block u32, then blocks, all numbers little-endian. A block is
 *
 *   0 rows u32   4 bytes of the ids u32   8 one entry of 16 bytes per row   then the ids: a JSON array as UTF-8
 *
 * and an entry is
 *
 *   0 status u8 (1 ok, 2 failed)   1 digest of the text (7 bytes)   8 checksum of the fields u32   12 that of the result u32
 *
 * All blocks but the last have the same number of rows.
 */
const MAGIC = Buffer.from("SLUICERD", "latin1");
const VERSION = 1;
export const FILE_HEADER_BYTES = 16;
export const BLOCK_HEADER_BYTES = 8;
export const ROWS_PER_BLOCK = 1_024;
const ENTRY_BYTES = 16;
const STATUS_OK = 1;
const STATUS_FAILED = 2;

export function encodeFileHeader(): Buffer {
  const bytes = Buffer.alloc(FILE_HEADER_BYTES);
  MAGIC.copy(bytes);
  bytes.writeUInt32LE(VERSION, 8);
  bytes.writeUInt32LE(ROWS_PER_BLOCK, 12);
  return bytes;
}

export function encodeBlock(rows: readonly RowDigest[]): Buffer {
  const ids = Buffer.from(JSON.stringify(rows.map(({ id }) => id)));
  const bytes = Buffer.allocUnsafe(BLOCK_HEADER_BYTES + rows.length * ENTRY_BYTES + ids.length);
  bytes.writeUInt32LE(rows.length, 0);
  bytes.writeUInt32LE(ids.length, 4);
  for (const [i, { isOk, text, fields, result }] of rows.entries()) {
    const at = BLOCK_HEADER_BYTES + i * ENTRY_BYTES;
    bytes[at] = isOk ? STATUS_OK : STATUS_FAILED;
    bytes.write(text, at + 1, "hex");
    bytes.writeUInt32LE(fields, at + 8);
    bytes.writeUInt32LE(result, at + 12);
  }
  ids.copy(bytes, bytes.length - ids.length);
  return bytes;
}

/** The sizes that a block's header states. */
export function decodeBlockHeader(bytes: Buffer): { readonly rows: number; readonly blockBytes: number } {
  const rows = bytes.readUInt32LE(0);
  return { rows, blockBytes: BLOCK_HEADER_BYTES + rows * ENTRY_BYTES + bytes.readUInt32LE(4) };
}

/** Decodes a block of a file whose hash is correct. */
export function decodeBlock(bytes: Buffer): RowDigest[] {
  const { rows } = decodeBlockHeader(bytes);
  const ids: readonly string[] = JSON.parse(bytes.toString("utf8", BLOCK_HEADER_BYTES + rows * ENTRY_BYTES));
  return ids.map((id, i) => {
    const at = BLOCK_HEADER_BYTES + i * ENTRY_BYTES;
    return {
      id,
      isOk: bytes[at] === STATUS_OK,
      text: bytes.toString("hex", at + 1, at + 8),
      fields: bytes.readUInt32LE(at + 8),
      result: bytes.readUInt32LE(at + 12),
    };
  });
}
