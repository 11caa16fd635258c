import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import * as z from "zod";
import { errorCode } from "#src/core/failures/errors.ts";
import type { FailureView } from "#src/dashboard/items/item-api.ts";
import { createVectorLayout } from "#src/producer/output/vector-layout.ts";
import { ANSWER_FILE, AnswerLog, type LoggedAnswer } from "#src/producer/storage/answer-log.ts";
import type { DiskFile } from "#src/producer/storage/disk.ts";
import { FAILURE_FILE } from "#src/producer/storage/failure-log.ts";
import {
  decodeLedgerHeader,
  decodeSlot,
  LEDGER_FILE,
  LEDGER_HEADER_BYTES,
  type LedgerHeader,
  type LedgerSlot,
  SLOT_BYTES,
  SLOT_OK,
  SLOT_WORDS,
  slotPosition,
} from "#src/producer/storage/ledger-file.ts";
import { WORK_FOLDER } from "#src/producer/storage/open-files.ts";
import { VECTOR_FILE } from "#src/producer/storage/vector-store.ts";

const FAILURE_LINE_BYTES = 64 * 1024;
const FIRST_READ_BYTES = 1_024;

const failureLine = z.object({
  index: z.int(),
  kind: z.string(),
  code: z.string().optional(),
  message: z.string(),
});

/**
 * Reads the records in a run's working folder. Its coordinator may be writing at the same time, so incomplete data
 * counts as absent. Close it after use.
 */
export class StoredRecords {
  readonly #folder: string;
  readonly #files = new Map<string, FileHandle | undefined>();
  #answers: AnswerLog | undefined;

  constructor(dir: string) {
    this.#folder = join(dir, WORK_FOLDER);
  }

  /** The slots of `count` items from `start` on; undefined for items without a record. */
  async slots(start: number, count: number): Promise<(LedgerSlot | undefined)[]> {
    const words = new Uint32Array(count * SLOT_WORDS);
    await this.#read(LEDGER_FILE, new Uint8Array(words.buffer, 0, count * SLOT_BYTES), slotPosition(start));
    return Array.from({ length: count }, (_, i) => decodeSlot(words, i * SLOT_WORDS, start + i));
  }

  /** The failure of an item; undefined if it cannot be read (yet). */
  async failure({ index, locator }: LedgerSlot): Promise<FailureView | undefined> {
    for (let size = FIRST_READ_BYTES; size <= FAILURE_LINE_BYTES; size *= 8) {
      const bytes = Buffer.alloc(size);
      const read = await this.#read(FAILURE_FILE, bytes, locator);
      const newline = bytes.subarray(0, read).indexOf(0x0a);
      if (newline !== -1) return parseFailure(bytes.toString("utf8", 0, newline), index);
      if (read < size) return undefined;
    }
    return undefined;
  }

  /** The answer of an item of a chat run. */
  async answer({ index, locator }: LedgerSlot): Promise<LoggedAnswer | undefined> {
    this.#answers ??= await AnswerLog.open(await this.#diskFile(ANSWER_FILE));
    return await this.#answers.read(index, locator);
  }

  /** The vector of an item of an embedding run; undefined if its checksum does not match. */
  async vector({ index, locator, status }: LedgerSlot): Promise<Float32Array | undefined> {
    const header = await this.#header();
    if (status !== SLOT_OK || !header?.dimensions) return undefined;
    const bytes = new Uint8Array(header.dimensions * 4);
    const read = await this.#read(VECTOR_FILE, bytes, createVectorLayout(header).position(index));
    if (read < bytes.length || crc32(bytes) !== locator) return undefined;
    return new Float32Array(bytes.buffer);
  }

  async close(): Promise<void> {
    const files = [...this.#files.values()];
    this.#files.clear();
    await Promise.allSettled(files.map((file) => file?.close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #header(): Promise<LedgerHeader | undefined> {
    const header = Buffer.alloc(LEDGER_HEADER_BYTES);
    const read = await this.#read(LEDGER_FILE, header, 0);
    const decoded = decodeLedgerHeader(header.subarray(0, read));
    return typeof decoded === "string" ? undefined : decoded;
  }

  /** Resolves with the number of bytes read: 0 if the file does not exist. */
  async #read(name: string, into: Uint8Array, position: number): Promise<number> {
    const file = await this.#open(name);
    if (!file) return 0;
    let filled = 0;
    while (filled < into.length) {
      const { bytesRead } = await file.read(into, filled, into.length - filled, position + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return filled;
  }

  async #open(name: string): Promise<FileHandle | undefined> {
    if (this.#files.has(name)) return this.#files.get(name);
    const file = await open(join(this.#folder, name), "r").catch((error) => {
      if (errorCode(error) === "ENOENT") return undefined;
      throw error;
    });
    this.#files.set(name, file);
    return file;
  }

  async #diskFile(name: string): Promise<DiskFile> {
    const file = await this.#open(name);
    const refuse = () => Promise.reject(new Error("opened read-only"));
    return {
      read: (into, position) => this.#read(name, into, position),
      size: async () => (await file?.stat())?.size ?? 0,
      write: refuse,
      sync: refuse,
      truncate: refuse,
      close: async () => undefined,
    };
  }
}

function parseFailure(line: string, index: number): FailureView | undefined {
  try {
    const failure = failureLine.safeParse(JSON.parse(line)).data;
    if (failure?.index !== index) return undefined;
    const { kind, code, message } = failure;
    return { kind, code, message };
  } catch {
    return undefined;
  }
}
