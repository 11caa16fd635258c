import { CsvError, type Parser, parse } from "csv-parse";
import { UnreadableSourceError } from "#src/producer/input/source.ts";

/** One record of a CSV file or what is wrong with it; `line` is where it starts, from 1. */
export type CsvRecord =
  | { readonly line: number; readonly start: number; readonly end: number; readonly cells: readonly string[] }
  | { readonly line: number; readonly start: number; readonly end: number; readonly fault: string };

const MAX_RECORD_BYTES = 16 * 1024 * 1024;
/** Bytes given to the parser at once: what has to be parsed again behind a broken quote is at most this much. */
const PIECE_BYTES = 4 * 1024;
const NEWLINE = 10;
const RETURN = 13;

/**
 * A CSV parser that knows the line and the bytes of every record and goes on behind a broken one: when a quote
 * is wrong, only the physical line the record starts on is given up, and parsing begins anew on the next. Without
 * that, one stray quote would swallow the records behind it. Holds at most one record and one piece in memory.
 */
export class CsvScanner {
  readonly #delimiter: string;
  readonly #maxRecordBytes: number;
  #parser: Parser;
  /** Bytes from `#consumed` on that the parser has seen but that belong to no finished record. */
  #pending: Buffer[] = [];
  /** Absolute offset behind the last finished record, and the line it is on. */
  #consumed = 0;
  #line = 1;
  /** Absolute offset of the current parser's first byte. */
  #base = 0;
  /** The last consumed byte was a carriage return; whether it ended a line depends on the next byte. */
  #isAfterReturn = false;
  #found: CsvRecord[] = [];
  #columns: number | undefined;

  constructor(delimiter: string, maxRecordBytes: number = MAX_RECORD_BYTES) {
    this.#delimiter = delimiter;
    this.#maxRecordBytes = maxRecordBytes;
    this.#parser = this.#createParser();
  }

  /** Records that were finished by these bytes, in order. */
  push(chunk: Buffer): CsvRecord[] {
    for (let start = 0; start < chunk.length; start += PIECE_BYTES) {
      this.#feed(chunk.subarray(start, start + PIECE_BYTES));
    }
    return this.#take();
  }

  /** What the end of the file finishes; the scan cannot be used afterwards. */
  async end(): Promise<CsvRecord[]> {
    do {
      this.#recover(true);
      await endParser(this.#parser);
    } while (this.#parser.errored !== null);
    return this.#take();
  }

  #take(): CsvRecord[] {
    const found = this.#found;
    this.#found = [];
    return found;
  }

  #feed(piece: Buffer): void {
    this.#pending.push(piece);
    if (this.#parser.errored === null) this.#parser.write(piece);
    this.#recover(false);
  }

  #createParser(): Parser {
    const parser = parse({
      bom: true,
      delimiter: this.#delimiter,
      // A quote inside an unquoted cell is ordinary in tab-separated files, which know no quoting at all.
      relax_quotes: this.#delimiter === "\t",
      relax_column_count: true,
      skip_empty_lines: true,
      max_record_size: this.#maxRecordBytes,
      // Nothing is pushed to the readable side, so that write() parses at once and never waits to be read from.
      on_record: (cells: string[], { bytes }) => {
        this.#finish(this.#base + bytes, cells);
        return null;
      },
    });
    // `errored` is set before write() returns and is what is looked at; an event nobody hears would end the process.
    parser.on("error", () => {});
    return parser;
  }

  #finish(end: number, cells: readonly string[]): void {
    const { line, start } = this.#consume(end);
    this.#columns ??= cells.length;
    if (cells.length === this.#columns) {
      this.#found.push({ line, start, end, cells });
      return;
    }
    const fault = `has ${cells.length} ${cells.length === 1 ? "cell" : "cells"} where the header has ${this.#columns}`;
    this.#found.push({ line, start, end, fault });
  }

  /** Gives up the line on which the broken record starts and parses what is pending behind it again. */
  #recover(last: boolean): void {
    while (this.#parser.errored !== null) {
      const fault = describeCsvError(this.#parser.errored);
      const bytes = Buffer.concat(this.#pending);
      this.#pending = [bytes];
      const newline = bytes.indexOf(NEWLINE, findContentStart(bytes));
      if (newline === -1 && !last) {
        if (bytes.length <= 2 * this.#maxRecordBytes) return;
        throw new UnreadableSourceError(`${fault}, and its line has no end`, this.#line);
      }
      const end = this.#consumed + (newline === -1 ? bytes.length : newline + 1);
      const { line, start } = this.#consume(end);
      this.#found.push({ line, start, end, fault });
      this.#base = this.#consumed;
      this.#parser = this.#createParser();
      for (const rest of this.#pending) this.#parser.write(rest);
    }
  }

  /** Moves past the record that ends at `end`; returns where it started, blank lines before it left out. */
  #consume(end: number): { line: number; start: number } {
    let left = end - this.#consumed;
    let line = this.#line;
    let start = this.#consumed;
    let blank = true;
    while (left > 0) {
      const bytes = this.#pending[0];
      if (bytes === undefined) break;
      const length = Math.min(left, bytes.length);
      for (let at = 0; at < length; at++) {
        const byte = bytes[at];
        if (this.#isAfterReturn && byte !== NEWLINE) this.#line += 1;
        if (blank && byte !== NEWLINE && byte !== RETURN) {
          blank = false;
          line = this.#line;
          start = this.#consumed + at;
        }
        if (byte === NEWLINE) this.#line += 1;
        this.#isAfterReturn = byte === RETURN;
      }
      left -= length;
      this.#consumed += length;
      if (length === bytes.length) this.#pending.shift();
      else this.#pending[0] = bytes.subarray(length);
    }
    return { line, start };
  }
}

function findContentStart(bytes: Buffer): number {
  let at = 0;
  while (bytes[at] === NEWLINE || bytes[at] === RETURN) at += 1;
  return at;
}

async function endParser(parser: Parser): Promise<void> {
  await new Promise<void>((resolve) => {
    parser.once("error", () => resolve());
    parser.once("end", () => resolve());
    parser.resume();
    parser.end();
  });
}

/** The parser's own messages quote cells, so only the code is taken from them. */
function describeCsvError(error: unknown): string {
  const code = error instanceof CsvError ? error.code : undefined;
  switch (code) {
    case "CSV_QUOTE_NOT_CLOSED":
      return "a quoted cell that starts here is never closed";
    case "CSV_INVALID_CLOSING_QUOTE":
      return 'a quoted cell that starts here has a lone quote in it; write it twice ("")';
    case "INVALID_OPENING_QUOTE":
      return 'a quote inside an unquoted cell; put the cell in quotes and write the quote twice ("")';
    case "CSV_MAX_RECORD_SIZE":
      return "a record is longer than 16 MB; perhaps a quoted cell is never closed";
    default:
      return `cannot be read as CSV${code === undefined ? "" : ` (${code})`}`;
  }
}
