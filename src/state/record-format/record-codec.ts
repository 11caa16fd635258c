import { endianness } from "node:os";
import type { Failure } from "#src/core/item.ts";

/** The upstream call that gave a result, for the item's history. */
export interface RecordCall {
  /** "minimax/embo-01" */
  readonly lane: string;
  /** When the call was reserved and sent, epoch ms on Redis's clock. */
  readonly startedAt: number;
  readonly durationMs: number;
}

/** The record of one item, as sent from a worker to the collector. */
export interface WireRecord {
  readonly index: number;
  /** Upstream calls for the item, without those that were throttled, cut, or refused because of the account. */
  readonly attempts: number;
  readonly tokens: number;
  /** Little-endian float32 values: the result of an embedding item. */
  readonly vector?: Buffer;
  /** The result of a chat item, as JSON. */
  readonly json?: unknown;
  readonly failure?: Failure;
  /** The call that gave the result; records of one call share the object. */
  readonly call?: RecordCall;
}

/*
 * One frame holds the records of one commit:
 *   u16 version | u16 count | u32 dimensions | u32 bytes of JSON
 *   count x { u32 index | u32 tokens | u16 attempts | u8 status (1 vector, 2 failure, 3 JSON) | u8 call (0 none, 1 first) }
 *   a JSON array of the failures and JSON results, in the order of their records; in version 2 its last element
 *     describes the calls: [lane names, base time in epoch ms, then per call: index of its lane, start in ms after the
 *     base time, duration in ms]
 *   the vectors, little-endian float32
 * Version 1 has no calls.
 */
const VERSION = 1;
const VERSION_WITH_CALLS = 2;
const MAX_CALLS = 255;
const HEADER_SIZE = 12;
const ENTRY_SIZE = 12;
const STATUS_VECTOR = 1;
const STATUS_FAILURE = 2;
const STATUS_JSON = 3;

if (endianness() !== "LE") {
  throw new Error("Sluice stores vectors in the machine's byte order and requires a little-endian machine");
}

/** Encodes records as one frame; each has exactly one of vector, JSON and failure. */
export function encodeRecords(records: readonly WireRecord[], dimensions: number): Buffer {
  const values = records.flatMap((record) => (record.vector ? [] : [record.failure ?? record.json ?? null]));
  const vectors = records.length - values.length;
  const calls = numberCalls(records);
  if (calls.size > 0) values.push(packCalls([...calls.keys()]));
  const text = Buffer.from(values.length > 0 ? JSON.stringify(values) : "");
  const frame = Buffer.allocUnsafe(HEADER_SIZE + records.length * ENTRY_SIZE + text.length + vectors * dimensions * 4);
  frame.writeUInt16LE(calls.size > 0 ? VERSION_WITH_CALLS : VERSION, 0);
  frame.writeUInt16LE(records.length, 2);
  frame.writeUInt32LE(dimensions, 4);
  frame.writeUInt32LE(text.length, 8);
  let at = HEADER_SIZE;
  for (const record of records) {
    frame.writeUInt32LE(record.index, at);
    frame.writeUInt32LE(clampToUint32(record.tokens), at + 4);
    frame.writeUInt16LE(Math.min(record.attempts, 65_535), at + 8);
    frame[at + 10] = record.vector ? STATUS_VECTOR : record.failure ? STATUS_FAILURE : STATUS_JSON;
    frame[at + 11] = (record.call && calls.get(record.call)) ?? 0;
    at += ENTRY_SIZE;
  }
  at += text.copy(frame, at);
  for (const { index, vector } of records) {
    if (!vector) continue;
    if (vector.length !== dimensions * 4) throw new Error(`item ${index}: ${vector.length} bytes of vector`);
    at += vector.copy(frame, at);
  }
  return frame;
}

/** Numbers the calls from 1. Calls beyond 255 are omitted: they are only informative. */
function numberCalls(records: readonly WireRecord[]): Map<RecordCall, number> {
  const calls = new Map<RecordCall, number>();
  for (const { call } of records) {
    if (call && !calls.has(call) && calls.size < MAX_CALLS) calls.set(call, calls.size + 1);
  }
  return calls;
}

/** About 40 bytes for the single call of a batch, and about 12 for each of many chat calls. */
function packCalls(calls: readonly RecordCall[]): unknown[] {
  const lanes = [...new Set(calls.map(({ lane }) => lane))];
  const base = Math.round(calls[0]?.startedAt ?? 0);
  const numbers = calls.flatMap(({ lane, startedAt, durationMs }) => [
    lanes.indexOf(lane),
    Math.round(startedAt) - base,
    Math.round(durationMs),
  ]);
  return [lanes, base, ...numbers];
}

/** A provider may report an absurd number; it must not prevent a paid answer from being recorded. */
function clampToUint32(tokens: number): number {
  return Number.isNaN(tokens) ? 0 : Math.round(Math.min(0xffff_ffff, Math.max(0, tokens)));
}

/** A frame of another version, or one that is damaged. */
export class FrameError extends Error {
  override readonly name = "FrameError";
}

/** Decodes a frame. Vectors are views into it, not copies. Throws a FrameError, and no other error. */
export function decodeRecords(frame: Buffer): { records: WireRecord[]; dimensions: number } {
  const version = frame.length < HEADER_SIZE ? 0 : frame.readUInt16LE(0);
  if (version !== VERSION && version !== VERSION_WITH_CALLS) {
    throw new FrameError("record frame of an unknown version");
  }
  const count = frame.readUInt16LE(2);
  const dimensions = frame.readUInt32LE(4);
  const textAt = HEADER_SIZE + count * ENTRY_SIZE;
  const vectorsAt = textAt + frame.readUInt32LE(8);
  if (vectorsAt > frame.length) {
    throw new FrameError(`record frame has ${frame.length} bytes, expected at least ${vectorsAt}`);
  }
  const values = parseValues(frame.toString("utf8", textAt, vectorsAt));
  const calls = version === VERSION ? [] : unpackCalls(values.pop());
  const records: WireRecord[] = [];
  let [vectorAt, nextValue] = [vectorsAt, 0];
  for (let at = HEADER_SIZE; at < textAt; at += ENTRY_SIZE) {
    const call = calls[(frame[at + 11] ?? 0) - 1];
    const base = {
      index: frame.readUInt32LE(at),
      tokens: frame.readUInt32LE(at + 4),
      attempts: frame.readUInt16LE(at + 8),
      call,
    };
    const status = frame[at + 10];
    if (status === STATUS_VECTOR) {
      records.push({ ...base, vector: frame.subarray(vectorAt, vectorAt + dimensions * 4) });
      vectorAt += dimensions * 4;
      continue;
    }
    if (nextValue >= values.length) throw new FrameError("record frame lacks the value of a record");
    const value = values[nextValue++];
    if (status === STATUS_JSON) records.push({ ...base, json: value });
    else if (status === STATUS_FAILURE && isFailure(value)) records.push({ ...base, failure: value });
    else throw new FrameError("record frame has a malformed failure");
  }
  if (vectorAt !== frame.length || nextValue !== values.length) {
    throw new FrameError(`record frame has ${frame.length} bytes, expected ${vectorAt}`);
  }
  return { records, dimensions };
}

function parseValues(text: string): unknown[] {
  if (text === "") return [];
  try {
    const values: unknown = JSON.parse(text);
    if (Array.isArray(values)) return values;
  } catch {
    // The error below does not contain the text, which may be a user's.
  }
  throw new FrameError("record frame has values that are not a JSON array");
}

function unpackCalls(value: unknown): RecordCall[] {
  const [lanes, base, ...numbers]: unknown[] = Array.isArray(value) ? value : [];
  if (!Array.isArray(lanes) || typeof base !== "number" || numbers.length % 3 !== 0) {
    throw new FrameError("record frame has malformed calls");
  }
  const calls: RecordCall[] = [];
  for (let i = 0; i < numbers.length; i += 3) {
    const [number, after, durationMs] = numbers.slice(i, i + 3);
    const lane: unknown = typeof number === "number" ? lanes[number] : undefined;
    if (typeof lane !== "string" || typeof after !== "number" || typeof durationMs !== "number") {
      throw new FrameError("record frame has a malformed call");
    }
    calls.push({ lane, startedAt: base + after, durationMs });
  }
  return calls;
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
