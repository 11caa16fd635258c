import { endianness } from "node:os";
import type { Failure } from "../core/item.ts";

/** The record of one item on its way from a worker to the collector. */
export interface WireRecord {
  readonly index: number;
  /** Upstream calls that carried the item. */
  readonly attempts: number;
  readonly tokens: number;
  /** Little-endian float32 values, on success. */
  readonly vector?: Buffer;
  readonly failure?: Failure;
}

/*
 * One frame holds the records of one commit:
 *   u8 version | u8 reserved | u16 count | u32 dimensions | u32 bytes of failures
 *   count x { u32 index | u32 tokens | u16 attempts | u8 status (1 result, 2 failure) | u8 reserved }
 *   failures as a JSON array, in the order of the failed records
 *   vectors of the successful records, one after another, little-endian float32
 */
const VERSION = 1;
const HEADER = 12;
const SLOT = 12;

if (endianness() !== "LE") {
  throw new Error("Sluice stores vectors as the machine's own float32 and needs a little-endian machine");
}

/**
 * Encodes records as one frame. Returned in two parts, so that a batch's vectors, decoded into one block, are
 * copied once and not twice.
 */
export function encodeRecords(records: readonly WireRecord[], dimensions: number): Buffer {
  const failures = records.flatMap((r) => (r.failure ? [r.failure] : []));
  const text = Buffer.from(failures.length > 0 ? JSON.stringify(failures) : "");
  const vectors = records.length - failures.length;
  const frame = Buffer.allocUnsafe(HEADER + records.length * SLOT + text.length + vectors * dimensions * 4);
  frame.writeUInt16LE(VERSION, 0);
  frame.writeUInt16LE(records.length, 2);
  frame.writeUInt32LE(dimensions, 4);
  frame.writeUInt32LE(text.length, 8);
  let at = HEADER;
  for (const record of records) {
    frame.writeUInt32LE(record.index, at);
    frame.writeUInt32LE(record.tokens, at + 4);
    frame.writeUInt16LE(Math.min(record.attempts, 65_535), at + 8);
    frame.writeUInt16LE(record.failure ? 2 : 1, at + 10);
    at += SLOT;
  }
  at += text.copy(frame, at);
  for (const { index, vector } of records) {
    if (!vector) continue;
    if (vector.length !== dimensions * 4) throw new Error(`item ${index}: ${vector.length} bytes of vector`);
    at += vector.copy(frame, at);
  }
  return frame;
}

/** Decodes a frame; vectors are views into it, nothing is copied. Throws on a frame of another version or length. */
export function decodeRecords(frame: Buffer): { records: WireRecord[]; dimensions: number } {
  if (frame.length < HEADER || frame.readUInt16LE(0) !== VERSION)
    throw new Error("a record frame of another version");
  const count = frame.readUInt16LE(2);
  const dimensions = frame.readUInt32LE(4);
  const textAt = HEADER + count * SLOT;
  let vectorAt = textAt + frame.readUInt32LE(8);
  const failures: Failure[] = vectorAt > textAt ? JSON.parse(frame.toString("utf8", textAt, vectorAt)) : [];
  const records: WireRecord[] = [];
  for (let at = HEADER; at < textAt; at += SLOT) {
    const base = {
      index: frame.readUInt32LE(at),
      tokens: frame.readUInt32LE(at + 4),
      attempts: frame.readUInt16LE(at + 8),
    };
    if (frame.readUInt16LE(at + 10) === 1) {
      records.push({ ...base, vector: frame.subarray(vectorAt, vectorAt + dimensions * 4) });
      vectorAt += dimensions * 4;
    } else {
      const failure = failures.shift();
      if (!failure) throw new Error("a record frame without the failure it announces");
      records.push({ ...base, failure });
    }
  }
  if (vectorAt !== frame.length)
    throw new Error(`a record frame of ${frame.length} bytes, expected ${vectorAt}`);
  return { records, dimensions };
}
