import { INPUT_PROBLEMS } from "#src/producer/input/problems.ts";
import { UnreadableSourceError } from "#src/producer/input/source.ts";

/** How the cells of a file are separated and quoted. */
export interface CsvDialect {
  /** One ASCII character. */
  readonly delimiter: string;
  /** One ASCII character; undefined: quotes are ordinary text. */
  readonly quote: string | undefined;
  /**
   * Treat as text: a quote that is not closed before a delimiter or a line end, which otherwise is an error, and the
   * quotes of a cell that spans lines which have one cell per column without them.
   */
  readonly isLenient: boolean;
}

/** One record of a CSV file, or the reason why it is invalid. `line` is where it starts, from 1. */
export type CsvRecord =
  | { readonly line: number; readonly start: number; readonly end: number; readonly cells: readonly string[] }
  | { readonly line: number; readonly start: number; readonly end: number; readonly error: string };

const MAX_RECORD_BYTES = 16 * 1024 * 1024;
const NEWLINE = 10;
const RETURN = 13;
const BYTE_ORDER_MARK = Buffer.from("\ufeff");

/** A quoted cell that ends at `end`, an invalid one, or undefined when its end is not in the bytes. */
type QuotedCell = { readonly text: string; readonly end: number } | { readonly error: string } | undefined;
/** The cells before `end`, the offset after the line end; undefined when the record is incomplete. */
type ParsedRecord = { readonly cells: string[]; readonly end: number } | { readonly error: string } | undefined;

/**
 * A CSV parser that knows the line and the bytes of every record and continues after an invalid one: only the physical
 * line on which the invalid record starts is rejected, because one stray quote would otherwise swallow the records after
 * it. LF, CRLF and CR end a record, in any mixture; blank lines are ignored. Libraries detect one line ending per file
 * and cannot continue after an error. Buffers at most two records of maximum size.
 */
export class CsvScanner {
  readonly #delimiter: number;
  readonly #quote: number | undefined;
  readonly #quoteText: string;
  readonly #isLenient: boolean;
  readonly #maxRecordBytes: number;
  #chunks: Buffer[] = [];
  #chunkBytes = 0;
  /** Offset in the file of the first buffered byte, and its line. */
  #offset = 0;
  #line = 1;
  /** Cells of the first record. */
  #columns: number | undefined;
  /** Buffered bytes at which an incomplete record is parsed again. Doubling it keeps the total work linear. */
  #retryBytes = 0;

  constructor({ delimiter, quote, isLenient }: CsvDialect, maxRecordBytes: number = MAX_RECORD_BYTES) {
    this.#delimiter = delimiter.charCodeAt(0);
    this.#quote = quote?.charCodeAt(0);
    this.#quoteText = quote ?? "";
    this.#isLenient = isLenient;
    this.#maxRecordBytes = maxRecordBytes;
  }

  /** Returns the records that these bytes complete, in order. */
  push(chunk: Buffer): CsvRecord[] {
    this.#chunks.push(chunk);
    this.#chunkBytes += chunk.length;
    return this.#chunkBytes < this.#retryBytes ? [] : this.#scan(false);
  }

  /** Returns the records that the end of the file completes. */
  end(): CsvRecord[] {
    return this.#scan(true);
  }

  #scan(isEnd: boolean): CsvRecord[] {
    const bytes = Buffer.concat(this.#chunks);
    const records: CsvRecord[] = [];
    let at = 0;
    while (true) {
      at = this.#skipBlankLines(bytes, at, isEnd);
      if (at === bytes.length) break;
      const parsed = this.#parseRecord(bytes, at, isEnd);
      const end = parsed && "end" in parsed ? parsed.end : this.#findRejectedEnd(bytes, at, parsed, isEnd);
      if (end === undefined) break;
      if (parsed && "cells" in parsed) this.#columns ??= parsed.cells.length;
      const location = { line: this.#line, start: this.#offset + at, end: this.#offset + end };
      if (parsed && "cells" in parsed) records.push({ ...location, cells: parsed.cells });
      else records.push({ ...location, error: parsed?.error ?? INPUT_PROBLEMS.csvTooLong });
      this.#line += countLineEnds(bytes, at, end);
      at = end;
    }
    this.#offset += at;
    const rest = bytes.subarray(at);
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#chunkBytes = rest.length;
    this.#retryBytes = Math.min(rest.length * 2, this.#maxRecordBytes * 2 + 1);
    return records;
  }

  /** Returns the offset of the next record. A byte order mark may start a line, as in concatenated files. */
  #skipBlankLines(bytes: Buffer, start: number, isEnd: boolean): number {
    let at = start;
    while (at < bytes.length) {
      const end = findAfterLineEnd(bytes, at, isEnd);
      if (end === at) {
        if (!bytes.subarray(at, at + BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK)) return at;
        at += BYTE_ORDER_MARK.length;
      } else if (end === undefined) return at;
      else {
        at = end;
        this.#line += 1;
      }
    }
    return at;
  }

  #parseRecord(buffered: Buffer, start: number, isFileEnd: boolean): ParsedRecord {
    // Independent of the chunks that the file is read in.
    const bytes = buffered.subarray(0, start + this.#maxRecordBytes);
    const isEnd = isFileEnd && bytes.length === buffered.length;
    const isWhole = isEnd || bytes.length === start + this.#maxRecordBytes;
    const cells: string[] = [];
    let at = start;
    while (true) {
      const quoted = bytes[at] === this.#quote ? this.#parseQuotedCell(bytes, at, isEnd) : "none";
      if (quoted === undefined && !isWhole) return undefined;
      const cell = typeof quoted === "object" && "end" in quoted ? quoted : undefined;
      const spansRows = cell !== undefined && this.#spansRows(bytes, start, cell, isWhole);
      if (spansRows === undefined) return undefined;
      let end: number;
      if (cell && !spansRows) {
        cells.push(cell.text);
        end = cell.end;
      } else if (quoted !== "none" && !this.#isLenient) {
        // Only the end of the file proves that the cell is never closed.
        return quoted && "error" in quoted ? quoted : isEnd ? { error: INPUT_PROBLEMS.quoteNotClosed } : undefined;
      } else {
        end = this.#findPlainEnd(bytes, at);
        const hasQuote = this.#quote !== undefined && bytes.subarray(at, end).includes(this.#quote);
        if (hasQuote && !this.#isLenient) return { error: INPUT_PROBLEMS.quoteInPlainCell(this.#quoteText) };
        cells.push(bytes.toString("utf8", at, end));
      }
      if (end === bytes.length) return isEnd ? { cells, end } : undefined;
      if (bytes[end] !== this.#delimiter) {
        const next = findAfterLineEnd(bytes, end, isEnd);
        return next === undefined ? undefined : { cells, end: next };
      }
      at = end + 1;
    }
  }

  /** Parses the quoted cell that starts at `start`. Its end must be followed by a delimiter or a line end. */
  #parseQuotedCell(bytes: Buffer, start: number, isEnd: boolean): QuotedCell {
    const quote = this.#quote ?? 0;
    for (let at = start + 1; ; at += 2) {
      at = bytes.indexOf(quote, at);
      if (at === -1) return undefined;
      const next = bytes[at + 1];
      if (next === undefined && !isEnd) return undefined;
      if (next === quote) continue;
      if (next !== undefined && next !== this.#delimiter && next !== NEWLINE && next !== RETURN)
        return { error: INPUT_PROBLEMS.quoteInQuotedCell(this.#quoteText) };
      const text = bytes.toString("utf8", start + 1, at);
      return { text: text.replaceAll(this.#quoteText + this.#quoteText, this.#quoteText), end: at + 1 };
    }
  }

  /**
   * Whether a quoted cell contains line ends of rows: every line from the start of the record to the end of the cell has
   * one cell per column if its quotes are text. Undefined when the end of its last line is not in the bytes.
   */
  #spansRows(bytes: Buffer, start: number, cell: { text: string; end: number }, isWhole: boolean): boolean | undefined {
    if (!this.#isLenient || this.#columns === undefined || this.#columns < 2 || !/[\n\r]/.test(cell.text)) return false;
    if (findLineEnd(bytes, cell.end) === bytes.length && !isWhole) return undefined;
    for (let at = start; at < cell.end; ) {
      const end = findLineEnd(bytes, at);
      let cells = 1;
      for (; at < end; at += 1) if (bytes[at] === this.#delimiter) cells += 1;
      if (cells !== this.#columns) return false;
      at = findAfterLineEnd(bytes, end, true) ?? end;
    }
    return true;
  }

  #findPlainEnd(bytes: Buffer, start: number): number {
    let at = start;
    for (; at < bytes.length; at += 1) {
      const byte = bytes[at];
      if (byte === this.#delimiter || byte === NEWLINE || byte === RETURN) break;
    }
    return at;
  }

  /** Returns where the line of an invalid record ends; undefined when more bytes are needed. */
  #findRejectedEnd(bytes: Buffer, start: number, parsed: ParsedRecord, isEnd: boolean): number | undefined {
    const length = bytes.length - start;
    if (parsed === undefined && length < this.#maxRecordBytes) return undefined;
    const lineEnd = findLineEnd(bytes, start);
    if (lineEnd < bytes.length) return findAfterLineEnd(bytes, lineEnd, isEnd);
    if (isEnd) return bytes.length;
    if (length <= 2 * this.#maxRecordBytes) return undefined;
    const error = parsed && "error" in parsed ? parsed.error : INPUT_PROBLEMS.csvTooLong;
    throw new UnreadableSourceError(INPUT_PROBLEMS.csvEndlessLine(error), this.#line);
  }
}

/** Returns the offset of the next LF or CR, or the length. */
function findLineEnd(bytes: Buffer, start: number): number {
  let at = start;
  while (at < bytes.length && bytes[at] !== NEWLINE && bytes[at] !== RETURN) at += 1;
  return at;
}

/** Returns the offset after a line end at `at`, `at` if there is none, or undefined if the next byte decides. */
function findAfterLineEnd(bytes: Buffer, at: number, isEnd: boolean): number | undefined {
  if (bytes[at] === NEWLINE) return at + 1;
  if (bytes[at] !== RETURN) return at;
  if (at + 1 === bytes.length && !isEnd) return undefined;
  return bytes[at + 1] === NEWLINE ? at + 2 : at + 1;
}

/** Counts the line ends in a part that does not end inside a CRLF. */
function countLineEnds(bytes: Buffer, start: number, end: number): number {
  let lines = 0;
  for (let at = findLineEnd(bytes, start); at < end; at = findLineEnd(bytes, at)) {
    at += bytes[at] === RETURN && bytes[at + 1] === NEWLINE ? 2 : 1;
    lines += 1;
  }
  return lines;
}
