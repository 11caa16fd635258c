import { INPUT_PROBLEMS } from "#src/producer/input/problems.ts";
import type { RecordContext } from "#src/producer/input/record-fields.ts";
import { type Finding, UnreadableSourceError } from "#src/producer/input/source.ts";
import { parseRecordLine } from "./read-jsonl.ts";
import { decodeLine, type Line, MAX_LINE_BYTES, withoutByteOrderMark } from "./read-lines.ts";

/**
 * Reads a file that contains a JSON array of objects, or JSON objects one after the other. The line of a record is its
 * number in the file, from 1. Throws `UnreadableSourceError` when an array is not closed or is followed by text.
 */
export async function* readJson(
  bytes: AsyncIterable<Buffer>,
  context: RecordContext,
): AsyncGenerator<readonly Finding[]> {
  const splitter = new JsonValueSplitter();
  for await (const chunk of bytes) {
    yield splitter.push(chunk).flatMap((value) => parseRecordLine(value, context) ?? []);
  }
  yield splitter.end().flatMap((value) => parseRecordLine(value, context) ?? []);
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPENING = [0x5b, 0x7b];
const CLOSING = [0x5d, 0x7d];
const [OPEN_ARRAY, CLOSE_ARRAY] = [0x5b, 0x5d];
const WHITE_SPACE = [0x20, 0x09, 0x0a, 0x0d];

/**
 * Splits JSON into the elements of an array, or into values that follow each other, without parsing them: it only
 * tracks strings and brackets, and buffers one value.
 */
class JsonValueSplitter {
  #isFirstChunk = true;
  /** Undefined before the first byte that is not white space. */
  #isArray: boolean | undefined;
  #isArrayClosed = false;
  #hasTextAfterArray = false;
  #number = 1;
  #parts: Buffer[] = [];
  #partBytes = 0;
  #isTooLong = false;
  /** Whether the current value has bytes, and the brackets around the current byte inside it. */
  #isInValue = false;
  #depth = 0;
  #isInString = false;
  #isEscaped = false;

  /** Throws only for earlier chunks, so that the values in front of the error are not lost. */
  push(chunk: Buffer): Line[] {
    this.#assertNoTextAfterArray();
    const bytes = this.#isFirstChunk ? withoutByteOrderMark(chunk) : chunk;
    this.#isFirstChunk = false;
    const values: Line[] = [];
    let start = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      const byte = bytes[at] ?? 0;
      if (this.#isInString) {
        this.#scanString(byte);
        continue;
      }
      if (!this.#isInValue) {
        start = at;
        if (WHITE_SPACE.includes(byte)) continue;
        if (this.#isArrayClosed) {
          this.#hasTextAfterArray = true;
          return values;
        }
        if (this.#isArray === undefined) {
          this.#isArray = byte === OPEN_ARRAY;
          if (this.#isArray) continue;
        }
        if (this.#isArray && byte === CLOSE_ARRAY) {
          this.#isArrayClosed = true;
          continue;
        }
      }
      const isSeparator = this.#depth === 0 && this.#isSeparator(byte);
      if (!isSeparator) this.#scanValue(byte);
      const isClosed = !this.#isArray && this.#depth === 0 && CLOSING.includes(byte);
      if (!isSeparator && !isClosed) continue;
      this.#append(bytes.subarray(start, isClosed ? at + 1 : at));
      values.push(this.#takeValue());
      if (this.#isArray && byte === CLOSE_ARRAY) this.#isArrayClosed = true;
    }
    if (this.#isInValue) this.#append(bytes.subarray(start));
    return values;
  }

  end(): Line[] {
    this.#assertNoTextAfterArray();
    if (this.#isArray && !this.#isArrayClosed) throw new UnreadableSourceError(INPUT_PROBLEMS.arrayNotClosed);
    return this.#isInValue ? [this.#takeValue()] : [];
  }

  #assertNoTextAfterArray(): void {
    if (this.#hasTextAfterArray) throw new UnreadableSourceError(INPUT_PROBLEMS.textAfterArray);
  }

  #isSeparator(byte: number): boolean {
    return this.#isArray ? byte === COMMA || byte === CLOSE_ARRAY : WHITE_SPACE.includes(byte);
  }

  #scanValue(byte: number): void {
    this.#isInValue = true;
    if (byte === QUOTE) this.#isInString = true;
    else if (OPENING.includes(byte)) this.#depth += 1;
    else if (CLOSING.includes(byte)) this.#depth = Math.max(0, this.#depth - 1);
  }

  #scanString(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === BACKSLASH) this.#isEscaped = true;
    else if (byte === QUOTE) this.#isInString = false;
  }

  #append(part: Buffer): void {
    this.#partBytes += part.length;
    this.#isTooLong ||= this.#partBytes > MAX_LINE_BYTES;
    if (this.#isTooLong) this.#parts = [];
    else this.#parts.push(part);
  }

  #takeValue(): Line {
    const number = this.#number;
    const value = Buffer.concat(this.#parts);
    const error = this.#isTooLong ? INPUT_PROBLEMS.recordTooLong(MAX_LINE_BYTES / 1024 / 1024) : undefined;
    this.#number += 1;
    this.#parts = [];
    this.#partBytes = 0;
    this.#isTooLong = false;
    this.#isInValue = false;
    if (error !== undefined) return { number, error };
    // An empty element, as after a last comma, is invalid JSON.
    return value.length === 0 ? { number, error: INPUT_PROBLEMS.emptyElement } : decodeLine(value, number);
  }
}
