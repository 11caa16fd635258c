import { crc32 } from "node:zlib";
import { RunError } from "#src/core/failures/errors.ts";
import type { DiskFile } from "./disk.ts";
import { PagedReader } from "./paged-reader.ts";

export const ANSWER_FILE = "answers.bin";

/*
 * One frame per answer, little-endian, in the order of arrival:
 *   0 magic u32   4 item u32   8 stored at, epoch seconds u32   12 bytes of JSON u32   16 check u32   20 JSON
 * The check is the CRC-32 of bytes 4 to 16 and the JSON.
 */
const MAGIC = 0x31_4a_4c_53;
const HEADER_BYTES = 20;
/** Limit of the 40 bits of a ledger's locator. */
const MAX_BYTES = 2 ** 40;

/** An answer in the log. */
export interface LoggedAnswer {
  readonly json: unknown;
  /** When it was stored, epoch seconds. */
  readonly storedAt: number;
}

/**
 * JSON results of a run, one frame each, in the order of arrival. The ledger contains the position of each item's frame; a
 * frame without a slot (the process was killed before it wrote the ledger) is never read.
 */
export class AnswerLog {
  readonly #reader: PagedReader;
  #endBytes: number;

  private constructor(file: DiskFile, endBytes: number) {
    this.#endBytes = endBytes;
    this.#reader = new PagedReader(file);
  }

  /** Opens the log as it is; new frames are appended after an incomplete frame of a killed process. */
  static async open(file: DiskFile): Promise<AnswerLog> {
    return new AnswerLog(file, await file.size());
  }

  /** There are no answers at or after this position. */
  get endBytes(): number {
    return this.#endBytes;
  }

  /** Reserves space for an answer and returns its position with the bytes to write there. */
  place(index: number, json: unknown, storedAt: number): { position: number; bytes: Buffer } {
    const text = JSON.stringify(json) ?? "null";
    const bytes = Buffer.allocUnsafe(HEADER_BYTES + Buffer.byteLength(text));
    bytes.writeUInt32LE(MAGIC, 0);
    bytes.writeUInt32LE(index, 4);
    bytes.writeUInt32LE(storedAt, 8);
    bytes.writeUInt32LE(bytes.length - HEADER_BYTES, 12);
    bytes.write(text, HEADER_BYTES);
    bytes.writeUInt32LE(computeChecksum(bytes), 16);
    const position = this.#endBytes;
    if (position + bytes.length > MAX_BYTES) throw new RunError("the answers of a run exceed the limit of 1 TB");
    this.#endBytes += bytes.length;
    return { position, bytes };
  }

  /** Reads the answer of item `index` at `position`; undefined if there is no complete frame of that item. */
  async read(index: number, position: number): Promise<LoggedAnswer | undefined> {
    const header = await this.#reader.read(position, HEADER_BYTES);
    if (header.length < HEADER_BYTES || header.readUInt32LE(0) !== MAGIC) return undefined;
    const length = header.readUInt32LE(12);
    if (header.readUInt32LE(4) !== index || position + HEADER_BYTES + length > this.#endBytes) return undefined;
    const frame = await this.#reader.read(position, HEADER_BYTES + length);
    if (frame.length < HEADER_BYTES + length || computeChecksum(frame) !== header.readUInt32LE(16)) return undefined;
    return { json: JSON.parse(frame.toString("utf8", HEADER_BYTES)), storedAt: header.readUInt32LE(8) };
  }
}

function computeChecksum(frame: Buffer): number {
  return crc32(frame.subarray(HEADER_BYTES), crc32(frame.subarray(4, 16)));
}
