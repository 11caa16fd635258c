import { isUtf8 } from "node:buffer";
import { INPUT_PROBLEMS } from "#src/producer/input/problems.ts";
import { findInvalidUtf8 } from "./utf8-validator.ts";

/** Maximum bytes of a line. A longer one is a defect of the file rather than a record, and must not fill the memory. */
export const MAX_LINE_BYTES = 16 * 1024 * 1024;

/** One line without its line ending, or the reason why it cannot be used. `number` counts from 1. */
export type Line =
  | { readonly number: number; readonly text: string }
  | { readonly number: number; readonly error: string };

const NEWLINE = 10;

/**
 * Splits bytes into lines and yields them in groups. Accepts byte order marks, CRLF and a missing final newline.
 * Buffers at most one line and one chunk; an invalid line does not change the numbers of the others.
 */
export async function* readLines(bytes: AsyncIterable<Buffer>): AsyncGenerator<readonly Line[]> {
  const splitter = new LineSplitter();
  for await (const chunk of bytes) {
    const lines = splitter.push(chunk);
    if (lines.length > 0) yield lines;
  }
  const rest = splitter.end();
  if (rest.length > 0) yield rest;
}

class LineSplitter {
  #parts: Buffer[] = [];
  #partBytes = 0;
  /** Number of the line that the next byte belongs to. */
  #number = 1;
  #isTooLong = false;

  push(chunk: Buffer): Line[] {
    const last = chunk.lastIndexOf(NEWLINE);
    if (last === -1) {
      this.#buffer(chunk);
      return [];
    }
    const first = chunk.indexOf(NEWLINE);
    const lines: Line[] = [];
    let block = chunk.subarray(0, last);
    if (this.#isTooLong || this.#partBytes + first > MAX_LINE_BYTES) {
      lines.push(this.#createTooLongLine());
      if (first === last) {
        this.#restart(chunk.subarray(last + 1));
        return lines;
      }
      block = chunk.subarray(first + 1, last);
    } else if (this.#parts.length > 0) {
      block = Buffer.concat([...this.#parts, block]);
    }
    this.#decode(block, lines);
    this.#restart(chunk.subarray(last + 1));
    return lines;
  }

  end(): Line[] {
    if (this.#isTooLong) return [this.#createTooLongLine()];
    if (this.#partBytes === 0) return [];
    const lines: Line[] = [];
    this.#decode(Buffer.concat(this.#parts), lines);
    return lines;
  }

  #buffer(chunk: Buffer): void {
    if (this.#isTooLong) return;
    this.#parts.push(chunk);
    this.#partBytes += chunk.length;
    if (this.#partBytes > MAX_LINE_BYTES) {
      this.#isTooLong = true;
      this.#parts = [];
    }
  }

  #restart(rest: Buffer): void {
    this.#isTooLong = false;
    this.#parts = rest.length === 0 ? [] : [rest];
    this.#partBytes = rest.length;
  }

  #createTooLongLine(): Line {
    return { number: this.#number++, error: INPUT_PROBLEMS.lineTooLong(MAX_LINE_BYTES / 1024 / 1024) };
  }

  /** Decodes a block of whole lines at once; only a block with invalid UTF-8 is decoded line by line. */
  #decode(bytes: Buffer, into: Line[]): void {
    if (isUtf8(bytes)) {
      for (const text of bytes.toString("utf8").split("\n"))
        into.push({ number: this.#number++, text: withoutMark(text) });
      return;
    }
    for (let start = 0; start <= bytes.length; ) {
      const newline = bytes.indexOf(NEWLINE, start);
      const end = newline === -1 ? bytes.length : newline;
      into.push(decodeLine(bytes.subarray(start, end), this.#number++));
      start = end + 1;
    }
  }
}

/** Decodes one line or value, or returns its problem. */
export function decodeLine(bytes: Buffer, number: number): Line {
  const invalidAt = findInvalidUtf8(bytes);
  if (invalidAt === undefined) return { number, text: withoutMark(bytes.toString("utf8")) };
  return { number, error: INPUT_PROBLEMS.lineInvalidUtf8(invalidAt) };
}

/** Removes a byte order mark, which also starts a line in the middle of concatenated files. */
function withoutMark(text: string): string {
  return text.startsWith("\ufeff") ? text.slice(1) : text;
}

/** Removes a UTF-8 byte order mark. */
export function withoutByteOrderMark(bytes: Buffer): Buffer {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}
