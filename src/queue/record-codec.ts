import { endianness } from "node:os";
import type { Failure } from "../core/item.ts";

/** The record of one item on its way from a worker to the collector. */
export interface WireRecord {
  readonly index: number;
  /** Upstream calls that carried the item. */
  readonly attempts: number;
  readonly tokens: number;
  /** Little-endian float32 values: the result of an embedding item. */
  readonly vector?: Buffer;
  /** The result of a chat item, as JSON. */
  readonly json?: unknown;
  readonly failure?: Failure;
}

/*
 * One frame holds the records of one commit:
 *   u16 version | u16 count | u32 dimensions | u32 bytes of JSON
 *   count x { u32 index | u32 tokens | u16 attempts | u16 status (1 vector, 2 failure, 3 JSON) }
 *   the failures and JSON results as a JSON array, in the order of their records
 *   vectors, one after another, little-endian float32
 */
const VERSION = 1;
const HEADER = 12;
const SLOT = 12;
const STATUS_VECTOR = 1;
const STATUS_FAILURE = 2;
const STATUS_JSON = 3;

if (endianness() !== "LE") {
  throw new Error("Sluice stores vectors as the machine's own float32 and needs a little-endian machine");
}

/** Encodes records as one frame; each has exactly one of vector, JSON and failure. */
export function encodeRecords(records: readonly WireRecord[], dimensions: number): Buffer {
  const values = records.flatMap((record) => (record.vector ? [] : [record.failure ?? record.json ?? null]));
  const text = Buffer.from(values.length > 0 ? JSON.stringify(values) : "");
  const vectors = records.length - values.length;
  const frame = Buffer.allocUnsafe(HEADER + records.length * SLOT + text.length + vectors * dimensions * 4);
  frame.writeUInt16LE(VERSION, 0);
  frame.writeUInt16LE(records.length, 2);
  frame.writeUInt32LE(dimensions, 4);
  frame.writeUInt32LE(text.length, 8);
  let at = HEADER;
  for (const record of records) {
    frame.writeUInt32LE(record.index, at);
    frame.writeUInt32LE(u32(record.tokens), at + 4);
    frame.writeUInt16LE(Math.min(record.attempts, 65_535), at + 8);
    frame.writeUInt16LE(
      record.vector ? STATUS_VECTOR : record.failure ? STATUS_FAILURE : STATUS_JSON,
      at + 10,
    );
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

/** A provider's report, as it fits: an odd figure must not keep a paid answer from its record. */
function u32(tokens: number): number {
  return Number.isNaN(tokens) ? 0 : Math.round(Math.min(0xffff_ffff, Math.max(0, tokens)));
}

/** A frame that is not one of this version, or not whole: it came from another version, or Redis holds rubbish. */
export class FrameError extends Error {
  override readonly name = "FrameError";
}

/** Decodes a frame; vectors are views into it, nothing is copied. Throws a FrameError and nothing else. */
export function decodeRecords(frame: Buffer): { records: WireRecord[]; dimensions: number } {
  if (frame.length < HEADER || frame.readUInt16LE(0) !== VERSION) {
    throw new FrameError("a record frame of another version");
  }
  const count = frame.readUInt16LE(2);
  const dimensions = frame.readUInt32LE(4);
  const textAt = HEADER + count * SLOT;
  const vectorsAt = textAt + frame.readUInt32LE(8);
  if (vectorsAt > frame.length) {
    throw new FrameError(`a record frame of ${frame.length} bytes, expected at least ${vectorsAt}`);
  }
  const values = parseValues(frame.toString("utf8", textAt, vectorsAt));
  const records: WireRecord[] = [];
  let [vectorAt, nextValue] = [vectorsAt, 0];
  for (let at = HEADER; at < textAt; at += SLOT) {
    const base = {
      index: frame.readUInt32LE(at),
      tokens: frame.readUInt32LE(at + 4),
      attempts: frame.readUInt16LE(at + 8),
    };
    const status = frame.readUInt16LE(at + 10);
    if (status === STATUS_VECTOR) {
      records.push({ ...base, vector: frame.subarray(vectorAt, vectorAt + dimensions * 4) });
      vectorAt += dimensions * 4;
      continue;
    }
    if (nextValue >= values.length) throw new FrameError("a record frame without the value it announces");
    const value = values[nextValue++];
    if (status === STATUS_JSON) records.push({ ...base, json: value });
    else if (status === STATUS_FAILURE && isFailure(value)) records.push({ ...base, failure: value });
    else throw new FrameError("a record frame with a failure that is none");
  }
  if (vectorAt !== frame.length || nextValue !== values.length) {
    throw new FrameError(`a record frame of ${frame.length} bytes, expected ${vectorAt}`);
  }
  return { records, dimensions };
}

function parseValues(text: string): readonly unknown[] {
  if (text === "") return [];
  try {
    const values: unknown = JSON.parse(text);
    if (Array.isArray(values)) return values;
  } catch {
    // Told below, without the text: it may be a user's.
  }
  throw new FrameError("a record frame whose values are no JSON array");
}

function isFailure(value: unknown): value is Failure {
  return (
    typeof value === "object" &&
    value !== null &&
    "kind" in value &&
    typeof value.kind === "string" &&
    "message" in value &&
    typeof value.message === "string"
  );
}
