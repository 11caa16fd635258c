import { crc32 } from "node:zlib";
import type { WireRecord } from "#src/state/record-format/record-codec.ts";

/*
 * An answer as it is stored and as waiting runs get it, little-endian:
 *   0 CRC-32 of all bytes after it u32   4 kind u32 (1 vector, 2 JSON)   8 tokens u32   12 key (32)   44 the answer
 */
const KIND_VECTOR = 1;
const KIND_JSON = 2;
const KEY_OFFSET = 12;
export const KEY_BYTES = 32;
const HEADER_BYTES = KEY_OFFSET + KEY_BYTES;

/** An answer of a provider, without the item or run that it was for. */
export type CachedAnswer = Pick<WireRecord, "tokens" | "vector" | "json">;

/** The frame has an ArrayBuffer of its own, so that it can be moved to another thread. */
export function encodeFrame(key: Buffer, { tokens, vector, json }: CachedAnswer): Buffer<ArrayBuffer> {
  const answer = vector ?? Buffer.from(JSON.stringify(json) ?? "null");
  const frame = Buffer.allocUnsafeSlow(HEADER_BYTES + answer.length);
  frame.writeUInt32LE(vector ? KIND_VECTOR : KIND_JSON, 4);
  frame.writeUInt32LE(tokens, 8);
  frame.set(key, KEY_OFFSET);
  frame.set(answer, HEADER_BYTES);
  frame.writeUInt32LE(crc32(frame.subarray(4)), 0);
  return frame;
}

/** Whether the frame is complete, undamaged, and the answer to `key`. */
export function isFrameOf(key: Buffer, frame: Buffer): boolean {
  return (
    frame.length >= HEADER_BYTES &&
    readFrameKey(frame).equals(key) &&
    crc32(frame.subarray(4)) === frame.readUInt32LE(0)
  );
}

export function readFrameKey(frame: Buffer): Buffer {
  return frame.subarray(KEY_OFFSET, HEADER_BYTES);
}

/** Decodes a frame that `isFrameOf` has accepted. Copies no vector. */
export function decodeFrame(frame: Buffer): CachedAnswer {
  const tokens = frame.readUInt32LE(8);
  const answer = frame.subarray(HEADER_BYTES);
  return frame.readUInt32LE(4) === KIND_VECTOR
    ? { tokens, vector: answer }
    : { tokens, json: JSON.parse(answer.toString()) };
}
