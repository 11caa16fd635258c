import { crc32 } from "node:zlib";
import type { WireRecord } from "#src/state/record-format/record-codec.ts";

/*
 * One frame per answer, little-endian:
 *   0 magic u32   4 kind u32 (1 vector, 2 JSON)   8 tokens u32   12 bytes of the answer u32   16 key (32)
 *   48 check of the answer u32   52 check of bytes 0 to 51 u32   56 the answer
 * Checks are CRC-32. The header has its own, so that a reader can go from frame to frame without reading the answers.
 */
const MAGIC = 0x31_43_4c_53;
const KIND_VECTOR = 1;
const KIND_JSON = 2;
export const KEY_BYTES = 32;
export const FRAME_HEADER_BYTES = 56;
/** No answer of a provider is larger; a larger number means that the frame is damaged. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** An answer of a provider, without the item or run that it was for. */
export type CachedAnswer = Pick<WireRecord, "tokens" | "vector" | "json">;

export interface FrameHeader {
  readonly key: Buffer;
  /** Size of the whole frame. */
  readonly bytes: number;
}

export function encodeFrame(key: Buffer, { tokens, vector, json }: CachedAnswer): Buffer {
  const answer = vector ?? Buffer.from(JSON.stringify(json) ?? "null");
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + answer.length);
  frame.writeUInt32LE(MAGIC, 0);
  frame.writeUInt32LE(vector ? KIND_VECTOR : KIND_JSON, 4);
  frame.writeUInt32LE(tokens, 8);
  frame.writeUInt32LE(answer.length, 12);
  key.copy(frame, 16, 0, KEY_BYTES);
  frame.writeUInt32LE(crc32(answer), 48);
  frame.writeUInt32LE(crc32(frame.subarray(0, 52)), 52);
  answer.copy(frame, FRAME_HEADER_BYTES);
  return frame;
}

/** Decodes the header at the start of these bytes; undefined for an invalid or incomplete header. */
export function decodeFrameHeader(bytes: Buffer): FrameHeader | undefined {
  if (bytes.length < FRAME_HEADER_BYTES || bytes.readUInt32LE(0) !== MAGIC) return undefined;
  if (crc32(bytes.subarray(0, 52)) !== bytes.readUInt32LE(52)) return undefined;
  const length = bytes.readUInt32LE(12);
  if (length > MAX_ANSWER_BYTES) return undefined;
  return { key: bytes.subarray(16, 48), bytes: FRAME_HEADER_BYTES + length };
}

/** Decodes the answer to `key`; undefined for another key, or a damaged or incomplete frame. Copies nothing. */
export function decodeFrame(key: Buffer, frame: Buffer): CachedAnswer | undefined {
  const header = decodeFrameHeader(frame);
  if (!header || frame.length < header.bytes || !header.key.equals(key)) return undefined;
  const answer = frame.subarray(FRAME_HEADER_BYTES, header.bytes);
  if (crc32(answer) !== frame.readUInt32LE(48)) return undefined;
  const tokens = frame.readUInt32LE(8);
  const kind = frame.readUInt32LE(4);
  if (kind === KIND_VECTOR) return { tokens, vector: answer };
  return kind === KIND_JSON ? { tokens, json: JSON.parse(answer.toString()) } : undefined;
}
