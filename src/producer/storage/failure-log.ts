import type { Failure } from "#src/core/item.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { DiskFile } from "./disk.ts";

export const FAILURE_FILE = "failures.jsonl";

/** Keeps every line below `LINE_LIMIT_BYTES` for any message (at most 6 bytes per character in JSON). */
const MESSAGE_LIMIT = 8_000;
const LINE_LIMIT_BYTES = 64 * 1_024;
const FIRST_READ_BYTES = 1_024;

/**
 * Failures of a run, one JSON line each, in the order of arrival. The ledger contains the position of each item's line; a
 * line without a slot (the process was killed before it wrote the ledger) is never read.
 */
export class FailureLog {
  readonly #file: DiskFile;
  #endBytes: number;

  private constructor(file: DiskFile, endBytes: number) {
    this.#file = file;
    this.#endBytes = endBytes;
  }

  /** Opens the log and truncates an incomplete last line. */
  static async open(file: DiskFile): Promise<FailureLog> {
    const size = await file.size();
    const end = await findEndOfLastLine(file, size);
    if (end !== size) await file.truncate(end);
    return new FailureLog(file, end);
  }

  /** Bytes of complete lines; there are no failures at or after this position. */
  get endBytes(): number {
    return this.#endBytes;
  }

  /** Reserves space for the line of a failure and returns its position with the bytes to write there. */
  place(index: number, failure: Failure): { position: number; bytes: Buffer } {
    const line = {
      index,
      kind: failure.kind,
      message: failure.message.slice(0, MESSAGE_LIMIT),
      code: failure.code,
      providerMessage: failure.providerMessage,
      param: failure.param,
    };
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
    const position = this.#endBytes;
    this.#endBytes += bytes.length;
    return { position, bytes };
  }

  /** Reads the failure of item `index` at `position`; undefined if there is no complete line of that item. */
  async read(index: number, position: number): Promise<Failure | undefined> {
    for (let size = FIRST_READ_BYTES; size <= LINE_LIMIT_BYTES; size *= 8) {
      const bytes = Buffer.alloc(Math.min(size, LINE_LIMIT_BYTES));
      const read = await this.#file.read(bytes, position);
      const newline = bytes.subarray(0, read).indexOf(0x0a);
      if (newline !== -1) return parseFailure(bytes.toString("utf8", 0, newline), index);
      if (read < bytes.length) return undefined;
    }
    return undefined;
  }
}

/** Searches backwards, because a power failure may leave a long run of zeros in place of the last lines. */
async function findEndOfLastLine(file: DiskFile, size: number): Promise<number> {
  const bytes = Buffer.alloc(Math.min(size, LINE_LIMIT_BYTES));
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - bytes.length);
    const read = await file.read(bytes.subarray(0, end - start), start);
    const newline = bytes.subarray(0, read).lastIndexOf(0x0a);
    if (newline !== -1) return start + newline + 1;
    end = start;
  }
  return 0;
}

function parseFailure(line: string, index: number): Failure | undefined {
  try {
    const value: Failure & { index: number } = JSON.parse(line);
    if (value.index !== index) return undefined;
    const { kind, message, code, providerMessage, param } = value;
    return omitUndefined({ kind, message, code, providerMessage, param });
  } catch {
    return undefined;
  }
}
