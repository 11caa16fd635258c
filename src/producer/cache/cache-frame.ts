import { crc32 } from "node:zlib";
import type { WireRecord } from "#src/state/records/record-codec.ts";

/*
 * One frame per answer, little-endian:
 *   0 magic u32   4 kind u32 (1 vector, 2 JSON)   8 tokens u32   12 bytes of the answer u32   16 key (32)
 *   48 check of the answer u32   52 check of the bytes before u32   56 the answer
 * Checks are CRC-32. The head has its own, so that a reader can walk from frame to frame without the answers.
 */
const MAGIC = 0x31_43_4c_53;
const KIND_VECTOR = 1;
const KIND_JSON = 2;
export const KEY_BYTES = 32;
export const FRAME_HEADER_BYTES = 56;
/** Nothing that a provider answers is larger; a longer figure is damage. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** What a provider answered, without anything of whom or for whom. */
export type CachedAnswer = Pick<WireRecord, "tokens" | "vector" | "json">;

export interface FrameHeader {
  readonly key: Buffer;
  /** Of the whole frame. */
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

/** The frame that begins with these bytes; undefined when none does, or its head is not whole. */
export function decodeFrameHeader(bytes: Buffer): FrameHeader | undefined {
  if (bytes.length < FRAME_HEADER_BYTES || bytes.readUInt32LE(0) !== MAGIC) return undefined;
  if (crc32(bytes.subarray(0, 52)) !== bytes.readUInt32LE(52)) return undefined;
  const length = bytes.readUInt32LE(12);
  if (length > MAX_ANSWER_BYTES) return undefined;
  return { key: bytes.subarray(16, 48), bytes: FRAME_HEADER_BYTES + length };
}

/** The answer to `key` in a frame; undefined when it is another one's, damaged, or not whole. Copies nothing. */
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
