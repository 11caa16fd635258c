import type { Failure } from "#src/core/item.ts";
import type { DiskFile } from "./disk.ts";

export const FAILURE_FILE = "failures.jsonl";

/** Keeps every line far below `LINE_LIMIT_BYTES`, whatever a message holds (at most 6 bytes per character in JSON). */
const MESSAGE_LIMIT = 8_000;
const LINE_LIMIT_BYTES = 64 * 1_024;
const FIRST_READ_BYTES = 1_024;

/**
 * Failures of a run, one JSON line each, in the order they came. The ledger says at which byte an item's line begins,
 * so a line that no slot points to (the process died before the ledger was written) is simply never read.
 */
export class FailureLog {
  readonly #file: DiskFile;
  #endBytes: number;

  private constructor(file: DiskFile, endBytes: number) {
    this.#file = file;
    this.#endBytes = endBytes;
  }

  /** Takes the file over and cuts a last line that was not written to its end. */
  static async open(file: DiskFile): Promise<FailureLog> {
    const size = await file.size();
    const end = await endOfLastLine(file, size);
    if (end !== size) await file.truncate(end);
    return new FailureLog(file, end);
  }

  /** Bytes of whole lines; a position at or after it holds no failure. */
  get endBytes(): number {
    return this.#endBytes;
  }

  /** Reserves the place of a failure's line at once and returns it with the bytes to be written there. */
  place(index: number, failure: Failure): { position: number; bytes: Buffer } {
    const line = {
      index,
      kind: failure.kind,
      message: failure.message.slice(0, MESSAGE_LIMIT),
      code: failure.code,
    };
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
    const position = this.#endBytes;
    this.#endBytes += bytes.length;
    return { position, bytes };
  }

  /** The failure of `index` at `position`; undefined when no whole line of that item begins there. */
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

/** Looks backwards, because a power cut may leave a long stretch of zeros where the last lines should have been. */
async function endOfLastLine(file: DiskFile, size: number): Promise<number> {
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
    const { kind, message, code } = value;
    return code === undefined ? { kind, message } : { kind, message, code };
  } catch {
    return undefined;
  }
}
